package main

import (
	"context"

	"gantry/deadletter"
	"gantry/store"
)

// letters find and redrive dead letters as this gantry's mappings see them.
func (s *server) letters() *deadletter.Letters {
	mappings := store.MappingsOf(s.store)
	return deadletter.New(deadletter.Config{
		Sources: s.kafka, AWS: s.cloud.Config, Invoke: s.engine.Invoke, Log: s.opts.log,
		Known: func(ctx context.Context, uuid string) bool {
			_, _, err := mappings.Get(ctx, uuid)
			return err == nil
		},
	})
}
