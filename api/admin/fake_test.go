package admin_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/doctor"
	"gantry/engine"
	"gantry/engine/async"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate"
	"gantry/pipeline"
	"gantry/record"
	"gantry/store"
	"gantry/store/code"
	"gantry/store/memory"
	"gantry/telemetry/functionlog"
)

var started = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// bench is the API before a store in memory and an engine that is told what to say.
type bench struct {
	t      *testing.T
	api    http.Handler
	store  *memory.Store
	engine *fakeEngine
	logs   *functionlog.Logs
	code   *code.Code
	audit  *audit
	stop   chan struct{}
}

func newBench(t *testing.T, change ...func(*admin.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: memory.New(), engine: &fakeEngine{status: map[string]mapping.Status{}}, audit: &audit{}, stop: make(chan struct{})}
	var err error
	b.logs, err = functionlog.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.logs.Close()) })
	b.code, err = code.Open(t.TempDir())
	require.NoError(t, err)
	cfg := admin.Config{
		Store: b.store, Engine: b.engine, Code: b.code, Logs: b.logs, Kafka: kafka.Resolver{}, Audit: b.audit, Doctor: &doctor.Doctor{Sources: kafka.Resolver{}, Where: "the test"},
		Backup: func(context.Context, io.Writer) error { return errors.New("no backup here") },
		Actor:  func(context.Context) string { return "AKIDTEST" }, Allow: func(context.Context, string) error { return nil }, Region: "eu-west-1", AccountID: "000000000000",
		Clusters: map[string]kafka.Config{"onprem": {Brokers: []string{"kafka-1.example:9093"}}},
		Version:  "1.2.3", Process: "p1", Listen: "127.0.0.1:9400", Started: started, Stopping: b.stop,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	cfg.Migrations = migrate.New(migrate.Config{Store: b.store, Sources: kafka.Resolver{}, Dir: t.TempDir(), Log: cfg.Log})
	for _, c := range change {
		c(&cfg)
	}
	b.api, err = admin.New(cfg)
	require.NoError(t, err)
	return b
}

// ask makes a request; the answer must be JSON.
func (b *bench) ask(method, path, body string) (status int, answer map[string]any) {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body)))
	require.Equal(b.t, "application/json", w.Header().Get("Content-Type"))
	require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	if w.Code >= 400 {
		require.Equal(b.t, answer["type"], w.Header().Get("X-Amzn-Errortype"))
		require.Len(b.t, answer, 2)
	}
	return w.Code, answer
}

// fine makes a request that must be answered with 200.
func (b *bench) fine(method, path, body string) map[string]any {
	b.t.Helper()
	status, answer := b.ask(method, path, body)
	require.Equal(b.t, http.StatusOK, status, answer)
	return answer
}

// refused makes a request that must be refused so.
func (b *bench) refused(status int, kind, text, method, path, body string) {
	b.t.Helper()
	got, answer := b.ask(method, path, body)
	require.Equal(b.t, status, got, answer)
	require.Equal(b.t, kind, answer["type"])
	require.Contains(b.t, answer["message"], text)
}

var byTest = store.Write{Actor: "test", Reason: "setup"}

func (b *bench) put(m mapping.Mapping) {
	b.t.Helper()
	_, err := store.MappingsOf(b.store).Put(b.t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, byTest)
	require.NoError(b.t, err)
}

func (b *bench) putFunction(fn function.Function) {
	b.t.Helper()
	_, err := store.FunctionsOf(b.store).Put(b.t.Context(), store.Item[function.Function]{ID: fn.Name, Value: fn}, byTest)
	require.NoError(b.t, err)
}

func (b *bench) mapping(uuid string) mapping.Mapping {
	b.t.Helper()
	m, _, err := store.MappingsOf(b.store).Get(b.t.Context(), uuid)
	require.NoError(b.t, err)
	return m
}

func (b *bench) functions() []string {
	b.t.Helper()
	items, err := store.FunctionsOf(b.store).List(b.t.Context())
	require.NoError(b.t, err)
	var names []string
	for _, item := range items {
		names = append(names, item.ID)
	}
	return names
}

const (
	one = "00000000-0000-4000-8000-000000000001"
	two = "00000000-0000-4000-8000-000000000002"
)

// plain is a mapping with nothing but what every mapping has.
func plain(uuid, name string) mapping.Mapping {
	return mapping.Mapping{
		UUID: uuid, Name: name, Source: mapping.Source{Bootstrap: []string{"b:9092"}, Topics: []string{"orders"}},
		Functions: []mapping.Consumer{{Function: "f"}}, Enabled: true, GroupID: "g-" + uuid, Start: mapping.TrimHorizon,
		BatchSize: 100, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless, LastModified: started,
	}
}

func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		entry, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(entry, "content of "+name)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

type audit struct {
	mu      sync.Mutex
	changes []store.Change
}

// Record implements admin.Audit.
func (a *audit) Record(_ context.Context, c store.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, c)
}

// lines are the changes in short, since the last call.
func (a *audit) lines() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, c := range a.changes {
		out = append(out, fmt.Sprintf("%s: %s %s %s (%s)", c.By.Actor, c.Action, c.Kind, c.ID, c.By.Reason))
	}
	a.changes = nil
	return out
}

// fakeEngine says what it is told to say.
type fakeEngine struct {
	mu       sync.Mutex
	status   map[string]mapping.Status
	running  []engine.Running
	headroom []engine.Headroom

	lags      map[string]engine.Lag
	observed  []engine.Observed
	functions []engine.FunctionUse

	offsets  []engine.Partition
	losses   []mapping.Loss
	accepted []record.Partition
	skip     pipeline.SkipPreview
	skipped  pipeline.Skip
	plan     engine.ResetPlan
	resetTo  engine.ResetTo
	reading  kafka.Reading
	records  []record.Record
	standing []engine.Standing
	async    []async.Stats
	dropped  []string // functions whose events were
	err      error    // of everything that asks a cluster
	watchers int
	events   chan pipeline.Event
	watched  chan struct{} // told of every watcher that comes
}

func (e *fakeEngine) Status(uuid string) mapping.Status { return e.status[uuid] }

func (e *fakeEngine) One(uuid string) (engine.Running, error) {
	for _, r := range e.running {
		if r.UUID == uuid {
			return r, nil
		}
	}
	return engine.Running{}, fmt.Errorf("mapping %s does not run here: %w", uuid, store.ErrNotFound)
}

func (e *fakeEngine) Running() []engine.Running { return e.running }

func (e *fakeEngine) Lags(context.Context) map[string]engine.Lag { return e.lags }

func (e *fakeEngine) Lag(_ context.Context, uuid string) (engine.Lag, bool) {
	lag, ok := e.lags[uuid]
	return lag, ok
}

func (e *fakeEngine) Observed() []engine.Observed { return e.observed }

func (e *fakeEngine) Functions() []engine.FunctionUse { return e.functions }

func (e *fakeEngine) Asynchronous() []async.Stats { return e.async }

func (e *fakeEngine) DropEvents(_ context.Context, name string) error {
	e.dropped = append(e.dropped, name)
	return nil
}

func (e *fakeEngine) Function(name string) (engine.FunctionUse, bool) {
	for _, f := range e.functions {
		if f.Name == name {
			return f, true
		}
	}
	return engine.FunctionUse{}, false
}

func (e *fakeEngine) Headroom(string) []engine.Headroom { return e.headroom }

func (e *fakeEngine) Offsets(context.Context, string) ([]engine.Partition, error) {
	return e.offsets, e.err
}

func (e *fakeEngine) Losses(string) ([]mapping.Loss, error) { return e.losses, e.err }

func (e *fakeEngine) PreviewLoss(_ context.Context, _ string, only []record.Partition) ([]mapping.Loss, string, error) {
	if len(e.losses) == 0 {
		return nil, "", fmt.Errorf("accept the loss: %w", engine.ErrNoLoss)
	}
	return e.losses, "seen", e.err
}

func (e *fakeEngine) AcceptLoss(_ context.Context, _, token string, only []record.Partition, _ store.Write) ([]mapping.Loss, error) {
	e.accepted = only
	if token != "seen" {
		return nil, engine.ErrStale
	}
	return e.losses, e.err
}

func (e *fakeEngine) PreviewSkip(_ string, s pipeline.Skip) (pipeline.SkipPreview, error) {
	e.skipped = s
	return e.skip, e.err
}

func (e *fakeEngine) Skip(_ context.Context, _ string, s pipeline.Skip) (pipeline.SkipPreview, error) {
	e.skipped = s
	if s.Token != e.skip.Token {
		return e.skip, pipeline.ErrChanged
	}
	return e.skip, e.err
}

func (e *fakeEngine) PreviewReset(_ context.Context, _ string, to engine.ResetTo, only []record.Partition) (engine.ResetPlan, error) {
	e.resetTo, e.accepted = to, only
	return e.plan, e.err
}

func (e *fakeEngine) Reset(_ context.Context, _, token string, _ store.Write) (engine.ResetPlan, error) {
	if token != e.plan.Token {
		return engine.ResetPlan{}, engine.ErrNoPreview
	}
	return e.plan, e.err
}

func (e *fakeEngine) Records(_ context.Context, _ mapping.Mapping, from kafka.Reading) ([]record.Record, error) {
	e.reading = from
	return slices.Clone(e.records), e.err
}

func (e *fakeEngine) Standing(context.Context) []engine.Standing { return e.standing }

func (e *fakeEngine) Watch(string) (events <-chan pipeline.Event, end func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers++
	if e.watched != nil {
		e.watched <- struct{}{}
	}
	return e.events, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.watchers--
	}, e.err
}

func (e *fakeEngine) watching() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.watchers
}

func (e *fakeEngine) Resolve(_ context.Context, m *mapping.Mapping) error {
	m.Positions = map[string]map[int32]int64{m.Source.Topics[0]: {0: 7}}
	return e.err
}

func (e *fakeEngine) Group(context.Context, string) (kafka.Group, error) {
	return kafka.Group{State: "Empty"}, nil
}

func (e *fakeEngine) Begins(context.Context, mapping.Mapping) (string, error) {
	return "begins here", e.err
}
