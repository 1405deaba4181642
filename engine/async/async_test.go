package async_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/engine/async"
	"gantry/function"
	"gantry/store"
	"gantry/store/memory"
)

// place is a dispatcher over a store in memory, with one function and one destination
// that do as they are told.
type place struct {
	t     *testing.T
	store *memory.Store
	*async.Dispatcher
	end func()

	mu       sync.Mutex
	fn       function.Function
	gone     bool
	answer   func(n int) (function.Outcome, error) // of the n-th invocation, from 1
	began    time.Time
	invoked  []time.Duration // since began
	seen     []function.Invocation
	places   chan struct{} // taken by who runs
	sent     []string
	unsent   int // sends that still fail
	busy     int
	mostBusy int
}

func ok(int) (function.Outcome, error) {
	return function.Outcome{Class: function.Succeeded, StatusCode: 200, Answer: []byte(`{"done":true}`)}, nil
}

func failing(int) (function.Outcome, error) {
	return function.Outcome{Class: function.Failed, StatusCode: 200, FunctionError: "Unhandled", Answer: []byte(`{"errorMessage":"no"}`), Message: "no"}, nil
}

func newPlace(t *testing.T, answer func(int) (function.Outcome, error)) *place {
	p := &place{t: t, store: memory.New(), answer: answer, began: time.Now(), fn: function.Function{Name: "f", Kind: function.HTTP}, places: make(chan struct{}, 1000)}
	p.start()
	return p
}

func (p *place) start() {
	p.Dispatcher = async.New(async.Config{
		Queue: p.store, Functions: p, Sender: p, Log: slog.New(slog.NewTextHandler(p.t.Output(), nil)),
		ARN: func(name string) string { return "arn:aws:lambda:eu-west-1:000000000000:function:" + name },
	})
	ctx, cancel := context.WithCancel(context.Background())
	stop, cut := context.WithCancel(context.Background())
	done := make(chan struct{})
	d := p.Dispatcher
	go func() { defer close(done); d.Run(ctx, stop) }()
	p.end = func() { cancel(); <-done; cut() }
}

func (p *place) Declared(context.Context, string) (function.Function, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return function.Function{}, store.ErrNotFound
	}
	return p.fn, nil
}

func (p *place) Await(ctx, waiting context.Context, _ string, in function.Invocation) (function.Outcome, error) {
	select {
	case p.places <- struct{}{}:
	case <-waiting.Done():
		return function.Outcome{}, waiting.Err()
	}
	defer func() { <-p.places }()
	p.mu.Lock()
	p.invoked, p.seen = append(p.invoked, time.Since(p.began)), append(p.seen, in)
	n := len(p.seen)
	p.busy++
	p.mostBusy = max(p.mostBusy, p.busy)
	p.mu.Unlock()
	defer func() { p.mu.Lock(); p.busy--; p.mu.Unlock() }()
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return function.Outcome{Class: function.Unknown, Message: "cut"}, nil
	}
	return p.answer(n)
}

func (p *place) Send(_ context.Context, to string, key, value []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unsent > 0 {
		p.unsent--
		return errors.New("the broker is away")
	}
	p.sent = append(p.sent, fmt.Sprintf("%s %s %s", to, key, value))
	return nil
}

func (p *place) accept(id, payload string) {
	p.t.Helper()
	require.NoError(p.t, p.Accept(p.t.Context(), "f", async.Event{ID: id, Payload: []byte(payload), ClientContext: "e30=", TraceID: "Root=1", Accepted: time.Now()}))
}

func (p *place) left() int {
	items, err := p.store.Items(p.t.Context(), "f", 1, 100_000)
	require.NoError(p.t, err)
	return len(items)
}

func (p *place) stats() async.Stats {
	for _, s := range p.Stats() {
		if s.Function == "f" {
			return s
		}
	}
	return async.Stats{}
}

func run(t *testing.T, answer func(int) (function.Outcome, error), test func(p *place)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, answer)
		test(p)
		p.end()
	})
}

// after lets time pass, in a bubble.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAnEventIsInvokedOnceAndLeaves(t *testing.T) {
	run(t, ok, func(p *place) {
		p.accept("one", `{ "a" : 1 }`)
		require.Equal(p.t, 1, p.left(), "kept before it is accepted")
		after(time.Second)
		require.Len(p.t, p.seen, 1)
		require.Equal(p.t, function.Invocation{Payload: []byte(`{ "a" : 1 }`), RequestID: "one", ClientContext: "e30=", TraceID: "Root=1"}, p.seen[0])
		require.Zero(p.t, p.left())
		require.Equal(p.t, async.Stats{Function: "f", Counts: async.Counts{Received: 1}}, p.stats())
		after(12 * time.Hour)
		require.Len(p.t, p.seen, 1)
	})
}

// TestAFunctionThatFails is invoked after one minute and after two more, under the same
// request id, and then the event is dropped.
func TestAFunctionThatFails(t *testing.T) {
	run(t, failing, func(p *place) {
		p.accept("one", `1`)
		after(time.Hour)
		require.Equal(p.t, []time.Duration{0, time.Minute, 3 * time.Minute}, rounded(p.invoked))
		require.Equal(p.t, "one", p.seen[2].RequestID)
		require.Zero(p.t, p.left())
		require.EqualValues(p.t, 1, p.stats().Counts.Dropped)
	})
}

func rounded(all []time.Duration) []time.Duration {
	var out []time.Duration
	for _, d := range all {
		out = append(out, d.Round(time.Second))
	}
	return out
}

func TestFewerRetriesAndAShorterLife(t *testing.T) {
	run(t, failing, func(p *place) {
		p.fn.Async = &function.Asynchronous{Retries: new(int), OnFailure: "kafka://c/dead", OnSuccess: "kafka://c/done"}
		p.accept("none", `1`)
		after(time.Hour)
		require.Len(p.t, p.seen, 1)
		p.mu.Lock()
		p.fn.Async = &function.Asynchronous{MaxAge: 90 * time.Second, OnFailure: "kafka://c/dead"}
		p.mu.Unlock()
		p.accept("old", `2`)
		after(time.Hour)
		require.Len(p.t, p.seen, 3, "the second retry would come after the event's end")
		require.Len(p.t, p.sent, 2)
		require.Contains(p.t, p.sent[0], `kafka://c/dead none {"version":"1.0","timestamp":"`)
		require.Contains(p.t, p.sent[0], `"requestContext":{"requestId":"none","functionArn":"arn:aws:lambda:eu-west-1:000000000000:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":1},"requestPayload":1,"responseContext":{"statusCode":200,"executedVersion":"","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no"}}`)
		require.Contains(p.t, p.sent[1], `"condition":"EventAgeExceeded","approximateInvokeCount":2}`)
		require.Zero(p.t, p.left())
	})
}

// TestWhatIsNotReached is tried again with growing pauses for six hours, and a function
// that comes back gets the event.
func TestWhatIsNotReached(t *testing.T) {
	away := func(int) (function.Outcome, error) {
		return function.Outcome{Class: function.NotReached, Throttled: true, Message: "busy elsewhere"}, nil
	}
	run(t, away, func(p *place) {
		p.accept("one", `1`)
		after(10 * time.Second)
		require.Equal(p.t, []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}, rounded(p.invoked))
		require.Equal(p.t, "busy elsewhere", p.stats().Problem)
		require.Equal(p.t, 1, p.stats().Waiting)
		after(6 * time.Hour)
		require.Zero(p.t, p.left())
		require.EqualValues(p.t, 1, p.stats().Counts.Dropped)
		require.Greater(p.t, len(p.seen), 60)
		last := p.invoked[len(p.invoked)-1] - p.invoked[len(p.invoked)-2]
		require.Equal(p.t, 5*time.Minute, last.Round(time.Second))

		p.accept("two", `2`)
		after(time.Minute)
		p.mu.Lock()
		p.answer = func(int) (function.Outcome, error) {
			return function.Outcome{}, errors.New("prepare function f: no secret")
		}
		p.mu.Unlock()
		after(10 * time.Minute)
		require.Equal(p.t, "prepare function f: no secret", p.stats().Problem)
		p.mu.Lock()
		p.answer = ok
		p.mu.Unlock()
		after(10 * time.Minute)
		require.Zero(p.t, p.left())
		require.Empty(p.t, p.stats().Problem)
		require.EqualValues(p.t, 1, p.stats().Counts.Dropped, "and no more")
	})
}

// TestAPlaceThatNeverComes: who waits at the gate waits no longer than the event lives.
func TestAPlaceThatNeverComes(t *testing.T) {
	run(t, ok, func(p *place) {
		p.places = make(chan struct{}, 1)
		p.places <- struct{}{}
		p.accept("one", `1`)
		after(5 * time.Hour)
		require.Equal(p.t, 1, p.left())
		after(2 * time.Hour)
		require.Zero(p.t, p.left())
		require.Empty(p.t, p.seen)
		require.EqualValues(p.t, 1, p.stats().Counts.Dropped)
	})
}

func TestAFunctionThatMayNotRun(t *testing.T) {
	run(t, func(int) (function.Outcome, error) { return function.Outcome{}, async.ErrNoConcurrency }, func(p *place) {
		p.fn.Async = &function.Asynchronous{OnFailure: "kafka://c/dead"}
		p.accept("one", `1`)
		after(time.Second)
		require.Len(p.t, p.sent, 1, "at once, as in AWS")
		require.Contains(p.t, p.sent[0], "ZeroReservedConcurrency")
	})
}

// TestAStopAndAStart: what was cut or still waits is there for the next run; the failures
// it had are not forgotten.
func TestAStopAndAStart(t *testing.T) {
	run(t, failing, func(p *place) {
		p.accept("one", `1`)
		after(30 * time.Second)
		require.Len(p.t, p.seen, 1)
		p.end()
		p.start()
		after(time.Hour)
		require.Len(p.t, p.seen, 3, "at once after the start, then two minutes later")
		require.Zero(p.t, p.left())
	})
}

// TestADestinationThatIsAway gets its letter in the end, also after a restart, and the
// function is not invoked again for it.
func TestADestinationThatIsAway(t *testing.T) {
	run(t, ok, func(p *place) {
		p.fn.Async = &function.Asynchronous{OnSuccess: "kafka://c/done"}
		p.unsent = 3
		p.accept("one", `{"x":"<&>"}`)
		after(2 * time.Second)
		require.Contains(p.t, p.stats().Problem, "the broker is away")
		p.end()
		p.start()
		after(24 * time.Hour)
		require.Len(p.t, p.seen, 1)
		require.Len(p.t, p.sent, 1)
		require.Contains(p.t, p.sent[0], `"condition":"Success","approximateInvokeCount":1},"requestPayload":{"x":"<&>"}`)
		require.Contains(p.t, p.sent[0], `"responsePayload":{"done":true}`)
		require.Zero(p.t, p.left())
		require.Zero(p.t, p.stats().Counts.Dropped)
	})
}

func TestAQueueThatIsFull(t *testing.T) {
	hangs := make(chan struct{})
	run(t, func(int) (function.Outcome, error) { <-hangs; return ok(0) }, func(p *place) {
		hangs = make(chan struct{})
		for i := range async.MaxEvents {
			p.accept(fmt.Sprint(i), `1`)
		}
		err := p.Accept(p.t.Context(), "f", async.Event{ID: "more", Payload: []byte("1"), Accepted: time.Now()})
		require.ErrorIs(p.t, err, async.ErrFull)
		require.ErrorContains(p.t, err, "10000 of function f")
		require.NoError(p.t, p.Accept(p.t.Context(), "g", async.Event{ID: "other", Payload: []byte("1"), Accepted: time.Now()}), "others are not held up")
		close(hangs)
		after(time.Minute)
		p.accept("again", `1`)
		after(time.Minute)
		require.Zero(p.t, p.left())
		require.Len(p.t, p.seen, async.MaxEvents+2)
		require.Equal(p.t, 32, p.mostBusy-1, "as many at once as a function elsewhere gets; one is g's")
	})
}

// TestAFunctionThatIsDeleted takes its events with it; what is under way ends and comes
// to nothing.
func TestAFunctionThatIsDeleted(t *testing.T) {
	run(t, failing, func(p *place) {
		p.accept("one", `1`)
		p.accept("two", `2`)
		after(time.Second)
		p.mu.Lock()
		p.gone = true
		p.mu.Unlock()
		require.NoError(p.t, p.Drop(p.t.Context(), "f"))
		require.Zero(p.t, p.left())
		after(time.Hour)
		require.Len(p.t, p.seen, 2)

		p.accept("three", `3`) // it was there a moment ago
		after(time.Second)
		require.Zero(p.t, p.left())
		require.Len(p.t, p.seen, 2)
		require.EqualValues(p.t, 1, p.stats().Counts.Dropped)
	})
}

// TestStored holds the form of what waits on disks.
func TestStored(t *testing.T) {
	t.Parallel()
	var ev async.Event
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"a","Payload":"eyJhIjoxfQ==","ClientContext":"e30=","TraceID":"Root=1","Accepted":"2026-11-24T01:00:00Z","Failures":1,"Letter":{"To":"kafka://c/t","Document":{}}}`), &ev))
	require.Equal(t, async.Event{ID: "a", Payload: []byte(`{"a":1}`), ClientContext: "e30=", TraceID: "Root=1",
		Accepted: time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), Failures: 1, Letter: &async.Letter{To: "kafka://c/t", Document: []byte(`{}`)}}, ev)
}
