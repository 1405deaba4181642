package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/engine/async"
	"gantry/function"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/code"
	"gantry/store/memory"
)

// bench is an API with everything behind it faked but the store.
type bench struct {
	*Server
	store  *memory.Store
	engine *fakeEngine
	code   *fakeCode
	audit  *fakeAudit
	log    *bytes.Buffer

	mu  sync.Mutex
	now time.Time
	ids int
}

func newBench(t *testing.T) *bench {
	packages, err := code.Open(t.TempDir())
	require.NoError(t, err)
	b := &bench{
		store: memory.New(), code: &fakeCode{packages: packages, zips: map[string][]byte{}}, audit: &fakeAudit{}, log: &bytes.Buffer{},
		engine: &fakeEngine{status: map[string]mapping.Status{}},
		now:    time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC),
	}
	server, err := New(Config{
		Store: b.store, Engine: b.engine, Code: b.code, Audit: b.audit, Pattern: fakePattern,
		Destination: func(to string) string {
			if to == "kafka://onprem/events" {
				return ""
			}
			return to + " is none of the test"
		},
		Cluster: fakeCluster, Region: "eu-west-1", ResolveTimeout: 10 * time.Second,
		Actor: func(context.Context) string { return "AKIDTEST" },
		Log:   slog.New(slog.NewTextHandler(b.log, nil)),
		Now:   func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now },
		NewID: b.newID,
	})
	require.NoError(t, err)
	b.Server = server
	return b
}

func (b *bench) newID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", b.ids)
}

// fakePattern takes every pattern that is a JSON object with a member "value".
func fakePattern(pattern string) error {
	var object map[string]any
	if err := json.Unmarshal([]byte(pattern), &object); err != nil {
		return errors.New("it is not a JSON object")
	}
	if _, ok := object["value"]; !ok {
		return errors.New(`it tests no "value"`)
	}
	return nil
}

const mskARN = "arn:aws:kafka:eu-west-1:000000000000:cluster/orders/11111111-2222-3333-4444-555555555555-1"

func fakeCluster(source mapping.Source) string {
	if source.ARN == mskARN {
		return "orders-msk"
	}
	for _, broker := range source.Bootstrap {
		if strings.HasPrefix(broker, "known.") {
			return "onprem"
		}
	}
	return ""
}

type fakeEngine struct {
	mu       sync.Mutex
	status   map[string]mapping.Status
	refusal  error
	hangs    bool
	outcome  function.Outcome
	failure  error
	invoked  []function.Invocation
	resolved []mapping.Mapping
	accepted []string
}

func (e *fakeEngine) Status(uuid string) mapping.Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status[uuid]
}

func (e *fakeEngine) Invoke(_ context.Context, _ string, in function.Invocation) (function.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.invoked = append(e.invoked, in)
	return e.outcome, e.failure
}

func (e *fakeEngine) Accept(_ context.Context, name string, ev async.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure != nil {
		return e.failure
	}
	if ev.ID == "" || ev.Accepted.IsZero() {
		return errors.New("an event without id or time")
	}
	e.accepted = append(e.accepted, name+" "+string(ev.Payload))
	return nil
}

func (e *fakeEngine) DropEvents(_ context.Context, name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.accepted = append(e.accepted, "drop "+name)
	return nil
}

func (e *fakeEngine) Resolve(ctx context.Context, m *mapping.Mapping) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hangs {
		<-ctx.Done()
		return fmt.Errorf("dial b1.example:9093: %w", ctx.Err())
	}
	if e.refusal != nil {
		return e.refusal
	}
	m.Positions = map[string]map[int32]int64{m.Source.Topics[0]: {0: 7, 1: 9}}
	m.TopicIDs = map[string]string{m.Source.Topics[0]: "topic-id"}
	e.resolved = append(e.resolved, *m)
	return nil
}

type fakeCode struct {
	packages *code.Code // checks as the real one does

	mu   sync.Mutex
	zips map[string][]byte
	err  error
}

func (c *fakeCode) Save(_ context.Context, body []byte) (function.Code, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return function.Code{}, c.err
	}
	sum := sha256.Sum256(body)
	name := base64.StdEncoding.EncodeToString(sum[:])
	c.zips[name] = body
	return function.Code{SHA256: name, Size: int64(len(body))}, nil
}

func (c *fakeCode) Check(body []byte) error { return c.packages.Check(body) }

func (c *fakeCode) Zip(sum string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, ok := c.zips[sum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return body, nil
}

type fakeAudit struct {
	mu      sync.Mutex
	changes []store.Change
}

func (a *fakeAudit) Record(_ context.Context, c store.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, c)
}

// take gives the changes since it was last asked.
func (a *fakeAudit) take() []store.Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	changes := a.changes
	a.changes = nil
	return changes
}

// zipOf makes the same bytes for the same names every time.
func zipOf(names ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		entry, _ := w.Create(name)
		_, _ = io.WriteString(entry, "content of "+name)
	}
	_ = w.Close()
	return b.Bytes()
}
