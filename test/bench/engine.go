package bench

import (
	"context"
	"log/slog"
	"os"
	"time"

	"gantry/engine"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/memory"
	"gantry/target/http"
)

// runEngine is gantry's engine with one mapping and nothing else of the binary.
func runEngine(ctx context.Context, j job) error {
	docs := memory.New()
	by := store.Write{Actor: "bench", Reason: "bench"}
	e := engine.New(engine.Config{
		Store: docs, Sources: kafka.Resolver{}, Process: "bench-" + j.Group,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		ARN: func(n string) string { return n },
		Targets: func(_ context.Context, fn function.Function) (engine.Target, error) {
			t, err := http.New(fn.URL, http.Config{Timeout: fn.Timeout})
			return httpTarget{t}, err
		},
	})
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, context.Background()) }()
	fn := function.Function{Name: "sink", Kind: function.HTTP, URL: j.URL, Timeout: 30 * time.Second}
	if _, err := store.FunctionsOf(docs).Put(ctx, store.Item[function.Function]{ID: fn.Name, Value: fn}, by); err != nil {
		return err
	}
	m := mapping.Mapping{
		UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", GroupID: j.Group, Enabled: true, Start: mapping.TrimHorizon,
		Source:    mapping.Source{Bootstrap: j.Brokers, Topics: []string{j.Topic}},
		Functions: []mapping.Consumer{{Function: "sink"}},
		BatchSize: j.BatchSize, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
	}
	if _, err := store.MappingsOf(docs).Put(ctx, store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, by); err != nil {
		return err
	}
	return <-done
}

type httpTarget struct{ *http.Target }

// Close implements engine.Target.
func (t httpTarget) Close(context.Context) error { t.Target.Close(); return nil }
