package admin_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/engine"
	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/store"
)

// onFake finds the one cluster there is.
type onFake struct{ *kafkatest.Fake }

// Resolve implements engine.Sources and admin.Clusters.
func (f onFake) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) {
	return kafka.Cluster{Brokers: f.Brokers(), Dial: f.Dial}, nil
}

// succeeds is a function that always does.
type succeeds struct{}

func (succeeds) Invoke(context.Context, function.Invocation) function.Outcome {
	return function.Outcome{Class: function.Succeeded, StatusCode: 200}
}

func (succeeds) Close(context.Context) error { return nil }

// TestWithTheRealEngine follows a mapping from its file to its end, with a loss at the
// source on the way: what the API shows is what happens.
func TestWithTheRealEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := kafkatest.Virtual(t)
		require.NoError(t, fake.CreateTopic("orders", 1, nil))
		var e *engine.Engine
		b := newBench(t, func(c *admin.Config) {
			e = engine.New(engine.Config{
				Store: c.Store, Sources: onFake{fake}, Process: "p1", Log: slog.New(slog.DiscardHandler),
				Targets: func(context.Context, function.Function, *mapping.Surroundings) (engine.Target, error) {
					return succeeds{}, nil
				},
				ARN: func(name string) string { return name },
			})
			c.Engine, c.Kafka = e, onFake{fake}
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx, context.Background()) }()
		settle := func() {
			time.Sleep(5 * time.Second) // the bubble's clock
			synctest.Wait()
		}

		const path = "/gantry/v1/mappings/orders"
		b.fine("POST", "/gantry/v1/apply", application(t, `
functions: { f: { http: "http://127.0.0.1:1/" } }
mappings: { orders: { function: f, cluster: onprem, topic: orders, startingPosition: TRIM_HORIZON, maximumBatchingWindow: 0s } }`, nil))
		settle()
		tail := b.stream(path + "/tail")
		b.fine("POST", "/gantry/v1/topics/orders/records", `{"cluster":"onprem","records":[{"valueText":"a"},{"valueText":"b"}]}`)
		settle()
		require.Contains(t, tail.Body.String(), `"result":"succeeded"`)
		tail.hangUp()
		require.True(t, tail.ended())
		shown := b.fine("GET", path, "")
		require.Equal(t, "Enabled", shown["status"].(map[string]any)["state"])
		require.Equal(t, mapping.OK, shown["status"].(map[string]any)["processingResult"])
		require.EqualValues(t, 2, shown["lanes"].([]any)[0].(map[string]any)["committed"])
		require.EqualValues(t, 2, shown["counts"].(map[string]any)["CommittedEventCount"])
		partition := b.fine("GET", path+"/offsets", "")["partitions"].([]any)[0].(map[string]any)
		requireJSON(t, `{"topic":"orders","partition":0,"start":0,"end":2,"committed":2,"lag":0,"here":true,"resume":2,"tail":2,"inFlight":false}`, partition)
		require.InDelta(t, 2, scrape(t, e)["gantry_committed_events_total"].GetMetric()[0].GetCounter().GetValue(), 0)

		b.fine("POST", path+"/pause", "")
		settle()
		require.Equal(t, "Disabled", b.fine("GET", path, "")["status"].(map[string]any)["state"])
		b.fine("POST", "/gantry/v1/topics/orders/records", `{"cluster":"onprem","records":[{},{},{}]}`)
		fake.Retain(t, "orders", 0, 4)
		b.fine("POST", path+"/resume", "")
		settle()
		lost := b.fine("GET", path+"/losses", "")["losses"].([]any)
		require.Len(t, lost, 1)
		require.EqualValues(t, []any{2.0, 3.0, 2.0, 4.0}, []any{
			lost[0].(map[string]any)["first"], lost[0].(map[string]any)["last"], lost[0].(map[string]any)["count"], lost[0].(map[string]any)["resume"],
		})
		require.EqualValues(t, 1, b.fine("GET", "/gantry/v1/status", "")["mappings"].([]any)[0].(map[string]any)["blocked"])
		b.refused(409, "ResourceConflictException", "no loss waits", "POST", path+"/accept-loss", `{"partitions":[{"topic":"orders","partition":7}]}`)
		token := b.fine("POST", path+"/accept-loss", `{}`)["token"].(string)
		require.Len(t, b.fine("POST", path+"/accept-loss", `{"reason":"known","token":"`+token+`"}`)["accepted"], 1)
		settle()
		require.Equal(t, map[int32]int64{0: 5}, fake.Committed("gantry.orders", "orders"))
		require.Empty(t, b.fine("GET", path+"/losses", "")["losses"])

		b.fine("DELETE", path, "")
		settle()
		b.refused(404, "ResourceNotFoundException", `mapping "orders"`, "GET", path, "")
		b.fine("DELETE", "/gantry/v1/functions/f", "")
		cancel()
		require.NoError(t, <-done)
		_, _, err := store.FunctionsOf(b.store).Get(t.Context(), "f")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
