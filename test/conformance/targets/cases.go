package targets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
)

type testCase struct {
	name      string
	behaviour Behaviour
	run       func(*testing.T, bench)
}

// short is a function timeout the suite can wait for.
const short = 400 * time.Millisecond

var cases = []testCase{
	{"answers are those of their own events", Echo, manyAtOnce},
	{"an event of the largest size", Echo, largest},
	{"request ids", Echo, requestIDs},
	{"the log is returned where asked for", Echo, logTail},
	{"no value is null", Nothing, outcome(function.Succeeded, func(t *testing.T, out function.Outcome) {
		require.Equal(t, "null", string(out.Answer))
	})},
	{"an error is a document", Fails, outcome(function.Failed, hasDocument)},
	{"a death is never success", Dies, outcomes([]function.Class{function.Failed, function.Unknown}, nil)},
	{"an answer over the limit", Babbles, outcome(function.Failed, func(t *testing.T, out function.Outcome) {
		hasDocument(t, out)
		require.Contains(t, string(out.Answer), "Function.ResponseSizeTooLarge")
	})},
	{"a timeout is never success", Hangs, timeout},
	{"a caller that goes", Hangs, callerGoes},
	{"a caller that had gone before", Echo, callerGone},
	{"refused", Refuses, outcome(function.NotReached, nil)},
	{"throttled", Throttles, outcome(function.NotReached, func(t *testing.T, out function.Outcome) {
		require.True(t, out.Throttled)
		require.Equal(t, 7*time.Second, out.RetryAfter)
		require.Equal(t, 429, out.StatusCode)
	})},
	{"unavailable", Overloaded, outcome(function.NotReached, func(t *testing.T, out function.Outcome) {
		require.False(t, out.Throttled)
	})},
	{"a redirect is not followed", Redirects, outcome(function.Misconfigured, nil)},
	{"not allowed", Forbids, outcome(function.Misconfigured, nil)},
	{"not there", Missing, outcome(function.Misconfigured, nil)},
	{"too large", TooBig, outcome(function.TooLarge, nil)},
	{"cut before it was read", CutUnread, outcome(function.Unknown, nil)},
	{"cut after a run", CutAfterRun, outcome(function.Unknown, nil)},
	{"cut in the answer", HalfAnswer, outcome(function.Unknown, nil)},
	{"a proxy without an answer", BadGateway, outcome(function.Unknown, nil)},
	{"an answer after the caller has gone", AnswersLate, late},
	{"an answer byte by byte", Drips, outcome(function.Succeeded, nil)},
	{"an event nobody reads", Stalls, stalled},
	{"an answer before the event was read", Hasty, hasty},
}

// outcome is the case of one call with one possible class.
func outcome(want function.Class, more func(*testing.T, function.Outcome)) func(*testing.T, bench) {
	return outcomes([]function.Class{want}, more)
}

func outcomes(want []function.Class, more func(*testing.T, function.Outcome)) func(*testing.T, bench) {
	return func(t *testing.T, b bench) {
		out := invoke(t, t.Context(), b.open(t, 0), function.Invocation{Payload: event()})
		require.Contains(t, want, out.Class, out.Message)
		if more != nil {
			more(t, out)
		}
	}
}

func hasDocument(t *testing.T, out function.Outcome) {
	var document struct{ ErrorMessage, ErrorType string }
	require.NoError(t, json.Unmarshal(out.Answer, &document), "%s", out.Answer)
	require.NotEmpty(t, document.ErrorMessage)
	require.NotEmpty(t, document.ErrorType)
}

func manyAtOnce(t *testing.T, b bench) {
	s := b.open(t, 0)
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := range 20 {
				want := fmt.Sprintf(`{"caller":%d,"call":%d,"pad":"%0*d"}`, caller, i, 1+i*500, 0)
				out := s.Invoke(t.Context(), function.Invocation{Payload: []byte(want)})
				if out.Class != function.Succeeded || string(out.Answer) != want {
					t.Errorf("caller %d, call %d: %v: %s, %d bytes", caller, i, out.Class, out.Message, len(out.Answer))
				}
			}
		})
	}
	callers.Wait()
	require.Equal(t, 8*20, s.Runs())
}

func largest(t *testing.T, b bench) {
	payload := []byte(`"` + string(bytes.Repeat([]byte("x"), function.MaxPayload-2)) + `"`)
	out := invoke(t, t.Context(), b.open(t, 0), function.Invocation{Payload: payload})
	require.Equal(t, function.Succeeded, out.Class, out.Message)
	require.Len(t, out.Answer, function.MaxPayload)
	require.Equal(t, byte('x'), out.Answer[function.MaxPayload/2], "the answer is not the caller's buffer")
}

func requestIDs(t *testing.T, b bench) {
	s := b.open(t, 0)
	given := "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	for _, id := range []string{given, ""} {
		out := invoke(t, t.Context(), s, function.Invocation{Payload: event(), RequestID: id})
		require.NotEmpty(t, out.RequestID)
	}
}

func logTail(t *testing.T, b bench) {
	if !b.LogTail {
		t.Skip("this target has no log")
	}
	s := b.open(t, 0)
	out := invoke(t, t.Context(), s, function.Invocation{Payload: event(), LogTail: true})
	require.NotEmpty(t, out.Log)
	require.LessOrEqual(t, len(out.Log), function.LogTailBytes)
	out = invoke(t, t.Context(), s, function.Invocation{Payload: event()})
	require.Empty(t, out.Log)
}

// ended are the classes of a call that was given up while the function was at work.
var ended = []function.Class{function.Failed, function.Unknown}

func timeout(t *testing.T, b bench) {
	out := b.open(t, short).Invoke(t.Context(), function.Invocation{Payload: event()})
	require.Contains(t, ended, out.Class, out.Message)
	require.GreaterOrEqual(t, out.Elapsed, short)
	require.Contains(t, out.Message, "timeout")
}

var errDrain = errors.New("the drain deadline has passed")

// leave ends a call's context once it has arrived.
func leave(t *testing.T, s Subject) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		defer cancel(errDrain)
		for tick := time.Tick(time.Millisecond); s.Arrived() == 0 && t.Context().Err() == nil; {
			<-tick
		}
	}()
	return ctx
}

func callerGoes(t *testing.T, b bench) {
	s := b.open(t, 0)
	out := s.Invoke(leave(t, s), function.Invocation{Payload: event()})
	require.Equal(t, function.Unknown, out.Class, out.Message)
	require.Contains(t, out.Message, errDrain.Error())
}

func callerGone(t *testing.T, b bench) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDrain)
	out := invoke(t, ctx, b.open(t, 0), function.Invocation{Payload: event()})
	require.Equal(t, function.NotReached, out.Class, out.Message)
	require.Contains(t, out.Message, errDrain.Error())
}

// late: the function runs although nobody waits any more, so the class must not deny it.
func late(t *testing.T, b bench) {
	s := b.open(t, 0)
	out := s.Invoke(leave(t, s), function.Invocation{Payload: event()})
	require.Equal(t, function.Unknown, out.Class, out.Message)
	require.Eventually(t, func() bool { return s.Runs() == 1 }, 10*time.Second, time.Millisecond)
}

func stalled(t *testing.T, b bench) {
	payload := bytes.Repeat([]byte(" "), function.MaxPayload)
	out := invoke(t, t.Context(), b.open(t, short), function.Invocation{Payload: payload})
	require.Equal(t, function.Unknown, out.Class, out.Message)
}

// hasty: a refusal that comes while the event is still being sent is a refusal.
func hasty(t *testing.T, b bench) {
	payload := bytes.Repeat([]byte(" "), function.MaxPayload)
	out := invoke(t, t.Context(), b.open(t, 0), function.Invocation{Payload: payload})
	require.Contains(t, []function.Class{function.NotReached, function.Unknown}, out.Class, out.Message)
}
