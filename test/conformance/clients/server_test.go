package clients

import (
	"context"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
	"gantry/api/lambda"
	"gantry/engine/async"
	"gantry/function"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/code"
	"gantry/store/memory"
)

const (
	region = "eu-west-1"
	keyID  = "AKIDCONFORMANCE"
	secret = "conformance/secret+key"
)

// server is gantry's Lambda API behind its door, over a store in memory and code on disk.
type server struct {
	url   string
	audit *audit
}

func newServer(t *testing.T) *server {
	docs := memory.New()
	packages, err := code.Open(t.TempDir())
	require.NoError(t, err)
	s := &server{audit: &audit{}}
	api, err := lambda.New(lambda.Config{
		Store: docs, Engine: &engine{docs: docs, taken: map[string]mapping.Status{}}, Code: packages, Audit: s.audit,
		Pattern: func(string) error { return nil }, Region: region, Actor: door.Actor,
		Destination: func(string) string { return "" },
	})
	require.NoError(t, err)

	listener := httptest.NewUnstartedServer(nil)
	address := listener.Listener.Addr().(*net.TCPAddr)
	keys, err := door.NewKeys(door.Key{ID: keyID, Secret: secret, Role: "admin"})
	require.NoError(t, err)
	listener.Config.Handler, err = door.New(door.Config{Listen: address.String(), Keys: keys, Open: lambda.OpenPaths()}, api)
	require.NoError(t, err)
	listener.Start()
	t.Cleanup(listener.Close)
	s.url = listener.URL
	return s
}

type audit struct {
	mu      sync.Mutex
	changes []store.Change
}

func (a *audit) Record(_ context.Context, c store.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, c)
}

func (a *audit) all() []store.Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.changes)
}

// engine takes a change up when it is looked at the first time: that look still sees the
// state before, the next one the state after. So each state on the way is seen, without
// waiting for any.
type engine struct {
	docs *memory.Store

	mu    sync.Mutex
	taken map[string]mapping.Status
}

func (e *engine) Status(uuid string) mapping.Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.taken[uuid]
	m, version, err := store.MappingsOf(e.docs).Get(context.Background(), uuid)
	if err != nil || before.Version == version {
		return before
	}
	if m.Deleting {
		_ = store.MappingsOf(e.docs).Delete(context.Background(), uuid, version, store.Write{}) // a test sees a mapping that stays
		return before
	}
	after := mapping.Status{State: mapping.Disabled, ProcessingResult: mapping.OK, Version: version}
	if m.Enabled {
		after.State = mapping.Enabled
	}
	e.taken[uuid] = after
	return before
}

// Invoke answers what it was given; a payload that says so fails, and a function with no
// concurrency at all is throttled.
func (e *engine) Invoke(ctx context.Context, name string, in function.Invocation) (function.Outcome, error) {
	fn, _, err := store.FunctionsOf(e.docs).Get(ctx, name)
	if err != nil {
		return function.Outcome{}, err
	}
	if fn.Concurrency != nil && *fn.Concurrency == 0 {
		return function.Outcome{Class: function.NotReached, Throttled: true}, nil
	}
	if string(in.Payload) == `"fail"` {
		return function.Outcome{Class: function.Failed, FunctionError: "Unhandled", Answer: []byte(`{"errorMessage":"failed","errorType":"Error"}`)}, nil
	}
	return function.Outcome{Answer: in.Payload, Log: []byte("START\nEND\n"), ExecutedVersion: function.LatestVersion}, nil
}

// Accept keeps nothing: what becomes of events is the engine's own tests to say.
func (e *engine) Accept(_ context.Context, _ string, ev async.Event) error {
	if string(ev.Payload) == `"full"` {
		return async.ErrFull
	}
	return nil
}

func (e *engine) DropEvents(context.Context, string) error { return nil }

func (e *engine) Resolve(_ context.Context, m *mapping.Mapping) error {
	m.Positions = map[string]map[int32]int64{m.Source.Topics[0]: {0: 0}}
	return nil
}
