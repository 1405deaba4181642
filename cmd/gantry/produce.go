package main

import (
	"context"
	"errors"
	"net/http"

	"gantry/api/door"
	"gantry/function"
	"gantry/produce"
	"gantry/store"
)

// openProduce makes what writes to topics for functions.
func (s *server) openProduce() *produce.Writer {
	cfg := produce.Config{Clusters: s.kafka, Log: s.opts.log}
	if s.tracing != nil {
		cfg.Trace = s.tracing.Send
	}
	w := produce.New(cfg)
	s.closers = append(s.closers, w)
	return w
}

// orFunctions hands what comes with the key of a function to what writes for functions:
// that is all such a key may do. The function's right is the one it has now.
func (s *server) orFunctions(administration http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := door.FunctionOf(r.Context())
		if name == "" || r.Method != http.MethodPost {
			administration.ServeHTTP(w, r) // which refuses a function's key everything
			return
		}
		s.produced.For(name, s.right(name)).ServeHTTP(w, r)
	})
}

// right asks the store what a function may write.
func (s *server) right(name string) func(context.Context) (*function.Produce, error) {
	return func(ctx context.Context) (*function.Produce, error) {
		fn, _, err := store.FunctionsOf(s.store).Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return fn.Produce, err
	}
}
