package admin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"gantry/function"
	"gantry/store"
)

type functionList struct {
	Functions []functionView `json:"functions"`
}

func (s *Server) listFunctions(ctx context.Context, _ call[none]) (functionList, error) {
	items, err := s.functions.List(ctx)
	out := functionList{Functions: []functionView{}}
	for _, item := range items {
		out.Functions = append(out.Functions, s.seen(item.Value))
	}
	return out, err
}

func (s *Server) getFunction(ctx context.Context, c call[none]) (functionView, error) {
	fn, _, err := s.function(ctx, c.path("name"))
	return s.seen(fn), err
}

// seen is a function as declared, with what this process does with it.
func (s *Server) seen(fn function.Function) functionView {
	v := functionOf(fn)
	if s.cfg.Notes != nil {
		v.Notes = s.cfg.Notes(fn)
	}
	if use, ok := s.cfg.Engine.Function(fn.Name); ok {
		v.Use = useOf(use)
	}
	return v
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
	return none{}, s.cfg.Engine.DropEvents(ctx, name)
}

func (s *Server) users(ctx context.Context, name string) ([]string, error) {
	items, err := s.mappings.List(ctx)
	var users []string
	for _, item := range items {
		if item.Value.Uses(name) && !item.Value.Deleting {
			users = append(users, cmp.Or(item.Value.Name, item.ID))
		}
	}
	return users, err
}
