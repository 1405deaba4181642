package inprocess_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/inprocess"
)

func open(t *testing.T, handler any, c inprocess.Config) *inprocess.Target {
	t.Helper()
	target, err := inprocess.New("archive", handler, c)
	require.NoError(t, err)
	return target
}

func TestAHandlerIsAGoLambdaFunction(t *testing.T) {
	t.Parallel()
	handler := func(ctx context.Context, event events.KafkaEvent) (map[string]string, error) {
		lc, ok := lambdacontext.FromContext(ctx)
		require.True(t, ok)
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.InDelta(t, time.Minute, time.Until(deadline), float64(5*time.Second))
		return map[string]string{"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "source": event.EventSource}, nil
	}
	target := open(t, handler, inprocess.Config{ARN: "arn:x", Timeout: time.Minute})
	out := target.Invoke(t.Context(), function.Invocation{Payload: []byte(`{"eventSource":"aws:kafka"}`), RequestID: "r-1"})
	require.Equal(t, function.Succeeded, out.Class, out.Message)
	require.JSONEq(t, `{"id":"r-1","arn":"arn:x","source":"aws:kafka"}`, string(out.Answer))
	require.Equal(t, 200, out.StatusCode)
}

type badOrder struct{ id string }

func (b *badOrder) Error() string { return "bad order " + b.id }

func TestFailuresAreDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler any
		want    messages.InvokeResponse_Error
		stack   string
	}{
		"error":           {func() error { return &badOrder{"7"} }, messages.InvokeResponse_Error{Message: "bad order 7", Type: "badOrder"}, ""},
		"own document":    {func() error { return messages.InvokeResponse_Error{Message: "m", Type: "T"} }, messages.InvokeResponse_Error{Message: "m", Type: "T"}, ""},
		"panic":           {func() error { panic("boom") }, messages.InvokeResponse_Error{Message: "boom", Type: "string"}, "TestFailuresAreDocuments"},
		"panic of an err": {func() error { panic(&badOrder{"8"}) }, messages.InvokeResponse_Error{Message: "bad order 8", Type: "badOrder"}, "TestFailuresAreDocuments"},
		"goroutine ended": {func() error { runtime.Goexit(); return nil }, messages.InvokeResponse_Error{Message: "the handler ended its goroutine without returning", Type: "errorString"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := open(t, c.handler, inprocess.Config{Concurrency: 1})
			for range 2 { // and its slot is free again
				out := target.Invoke(t.Context(), function.Invocation{Payload: []byte("{}")})
				require.Equal(t, function.Failed, out.Class, out.Message)
				require.Equal(t, "Unhandled", out.FunctionError)
				var got messages.InvokeResponse_Error
				require.NoError(t, json.Unmarshal(out.Answer, &got))
				require.Equal(t, c.want.Message, got.Message)
				require.Equal(t, c.want.Type, got.Type)
				if c.stack != "" {
					require.Contains(t, got.StackTrace[0].Label, c.stack, "the stack begins where it panicked")
				}
			}
		})
	}
}

func TestAHandlerThatIgnoresItsDeadlineKeepsItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := func() error { time.Sleep(time.Hour); return nil }
		target := open(t, handler, inprocess.Config{Timeout: 3 * time.Second, Concurrency: 1})
		in := function.Invocation{Payload: []byte("{}"), RequestID: "r-1"}
		out := target.Invoke(t.Context(), in)
		require.Equal(t, function.Failed, out.Class)
		require.Equal(t, 3*time.Second, out.Elapsed)
		require.JSONEq(t, `{"errorMessage":"RequestId: r-1 Error: Task timed out after 3.00 seconds","errorType":"Sandbox.Timedout"}`, string(out.Answer))
		require.Equal(t, 1, target.Abandoned())

		out = target.Invoke(t.Context(), in)
		require.Equal(t, function.NotReached, out.Class)
		require.True(t, out.Throttled)
		require.Contains(t, out.Message, "1 of them by calls that did not end")

		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, target.Abandoned())
		out = target.Invoke(t.Context(), in)
		require.Equal(t, function.Failed, out.Class, "the slot is free again")
		time.Sleep(time.Hour)
	})
}

func TestAHandlerThatHeedsItsDeadlineHasTimedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		target := open(t, handler, inprocess.Config{Timeout: 3 * time.Second, Concurrency: 1})
		for range 20 {
			out := target.Invoke(t.Context(), function.Invocation{Payload: []byte("{}")})
			require.Equal(t, function.Failed, out.Class)
			require.Contains(t, string(out.Answer), "Sandbox.Timedout")
			synctest.Wait()
			require.Zero(t, target.Abandoned())
		}
	})
}

func TestACallerThatGoesCutsTheHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		handler := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		target := open(t, handler, inprocess.Config{Timeout: time.Minute})
		time.AfterFunc(time.Second, func() { cancel(errors.New("drain")) })
		out := target.Invoke(ctx, function.Invocation{Payload: []byte("{}")})
		require.Equal(t, function.Unknown, out.Class)
		require.Contains(t, out.Message, "drain")
		require.Equal(t, time.Second, out.Elapsed)
	})
}

func TestAllFaultsOfATargetAtOnce(t *testing.T) {
	t.Parallel()
	_, err := inprocess.New("archive", nil, inprocess.Config{Timeout: -1, Concurrency: -1})
	for _, want := range []string{"there is no handler", "timeout", "concurrency"} {
		require.ErrorContains(t, err, want)
	}
	for want, bad := range map[string]any{
		"is no handler":             42,
		"serves one call at a time": lambda.NewHandler(func() {}),
	} {
		_, err := inprocess.New("archive", bad, inprocess.Config{})
		require.ErrorContains(t, err, want)
	}
}
