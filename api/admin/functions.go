package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"gantry/function"
	"gantry/store"
	"gantry/telemetry/functionlog"
)

type functionList struct {
	Functions []functionView `json:"functions"`
}

func (s *Server) listFunctions(ctx context.Context, _ call[none]) (functionList, error) {
	items, err := s.functions.List(ctx)
	out := functionList{Functions: []functionView{}}
	for _, item := range items {
		out.Functions = append(out.Functions, functionOf(item.Value))
	}
	return out, err
}

func (s *Server) getFunction(ctx context.Context, c call[none]) (functionView, error) {
	fn, _, err := s.function(ctx, c.path("name"))
	return functionOf(fn), err
}

// function looks a function up by its name.
func (s *Server) function(ctx context.Context, name string) (function.Function, int64, error) {
	fn, version, err := s.functions.Get(ctx, name)
	if err != nil {
		return fn, 0, fmt.Errorf("function %q: %w", name, err)
	}
	return fn, version, nil
}

func (s *Server) deleteFunction(ctx context.Context, c call[none]) (none, error) {
	name := c.path("name")
	fn, version, err := s.function(ctx, name)
	if err != nil {
		return none{}, err
	}
	users, err := s.users(ctx, name)
	if err != nil {
		return none{}, err
	}
	if len(users) > 0 {
		return none{}, &apiError{409, "ResourceConflictException", fmt.Sprintf("function %s is used by mapping %s; delete that first", name, strings.Join(users, ", "))}
	}
	by := s.by(ctx, "delete")
	if err := s.functions.Delete(ctx, name, version, by); err != nil {
		return none{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "delete", Kind: store.Functions, ID: name, Before: fn})
	return none{}, nil
}

func (s *Server) users(ctx context.Context, name string) ([]string, error) {
	items, err := s.mappings.List(ctx)
	var users []string
	for _, item := range items {
		if item.Value.Functions[0].Function == name && !item.Value.Deleting {
			users = append(users, item.ID)
		}
	}
	return users, err
}

// functionLogs gives the last lines, and those to come where follow is asked for.
func (s *Server) functionLogs(r *http.Request) (func(context.Context) (any, bool), func(), error) {
	name := r.PathValue("name")
	if _, _, err := s.function(r.Context(), name); err != nil {
		return nil, nil, err
	}
	count := 100
	if text := r.URL.Query().Get("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100_000 {
			return nil, nil, badInput(fmt.Sprintf("lines: %q is not within 0..100000", text))
		}
		count = n
	}
	log := s.cfg.Logs.Log(name)
	var coming <-chan functionlog.Line
	end := func() {}
	if r.URL.Query().Get("follow") == "true" {
		coming, end = log.Follow()
	}
	past, err := log.Last(count)
	if err != nil {
		end()
		return nil, nil, err
	}
	return func(ctx context.Context) (any, bool) {
		if len(past) > 0 {
			line := past[0]
			past = past[1:]
			return line, true
		}
		if coming == nil {
			return nil, false
		}
		select {
		case line := <-coming:
			return line, true
		case <-ctx.Done():
			return nil, false
		}
	}, end, nil
}
