package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"gantry/telemetry/functionlog"
)

// functionLogs gives the last lines, and those to come where follow is asked for.
func (s *Server) functionLogs(r *http.Request) (following[functionlog.Line], error) {
	name := r.PathValue("name")
	if _, _, err := s.function(r.Context(), name); err != nil {
		return following[functionlog.Line]{}, err
	}
	count, err := linesAsked(r.URL.Query().Get("lines"))
	if err != nil {
		return following[functionlog.Line]{}, err
	}
	log := s.cfg.Logs.Log(name)
	f := following[functionlog.Line]{end: func() {}}
	var coming <-chan functionlog.Line
	if r.URL.Query().Get("follow") == "true" {
		coming, f.end = log.Follow()
	}
	past, err := log.Last(count)
	if err != nil {
		f.end()
		return f, err
	}
	f.next = (&lines{past, coming}).next
	return f, nil
}

func linesAsked(text string) (int, error) {
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100_000 {
		return 0, badInput(fmt.Sprintf("lines: %q is not within 0..100000", text))
	}
	return n, nil
}

// lines are those written before, then those to come, where they are wanted.
type lines struct {
	past   []functionlog.Line
	coming <-chan functionlog.Line
}

func (l *lines) next(ctx context.Context) (functionlog.Line, bool) {
	if len(l.past) > 0 {
		line := l.past[0]
		l.past = l.past[1:]
		return line, true
	}
	if l.coming == nil {
		return functionlog.Line{}, false
	}
	select {
	case line := <-l.coming:
		return line, true
	case <-ctx.Done():
		return functionlog.Line{}, false
	}
}
