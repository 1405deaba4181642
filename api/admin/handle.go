package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// call is a request as an operation sees it.
type call[In any] struct {
	In    In
	path  func(name string) string
	query func(name string) string
}

// handle turns a typed operation into a handler. A body, where there is one, is JSON
// without members that are not known.
func handle[In, Out any](s *Server, do func(context.Context, call[In]) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call[In]{path: r.PathValue, query: r.URL.Query().Get}
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&c.In); err != nil && !errors.Is(err, io.EOF) {
			s.fail(w, r, badInput(fmt.Sprintf("the body can't be read: %v", err)))
			return
		}
		out, err := do(r.Context(), c)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
}

// none is the input or output of an operation without one.
type none struct{}

// stream writes JSON values, one a line, each at once, until next says it is over, the
// client is gone, or gantry stops.
func (s *Server) stream(open func(r *http.Request) (next func(context.Context) (any, bool), end func(), err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next, end, err := open(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer end()
		following, stop := s.untilStopping(r.Context())
		defer stop()
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		control, out := http.NewResponseController(w), json.NewEncoder(w)
		for {
			_ = control.Flush()
			value, more := next(following)
			if !more || out.Encode(value) != nil {
				return
			}
		}
	})
}

// untilStopping gives a context that ends with ctx or when gantry stops.
func (s *Server) untilStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if s.cfg.Stopping == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-s.cfg.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
