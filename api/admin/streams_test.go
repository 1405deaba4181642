package admin_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/pipeline"
	"gantry/record"
	"gantry/telemetry/functionlog"
)

// streaming is a stream that a client reads until it hangs up.
type streaming struct {
	*httptest.ResponseRecorder
	hangUp context.CancelFunc
	over   chan struct{}
}

func (b *bench) stream(path string) *streaming {
	ctx, cancel := context.WithCancel(b.t.Context())
	s := &streaming{httptest.NewRecorder(), cancel, make(chan struct{})}
	go func() {
		defer close(s.over)
		b.api.ServeHTTP(s, httptest.NewRequestWithContext(ctx, "GET", path, nil))
	}()
	synctest.Wait()
	return s
}

// ended says whether the handler has returned.
func (s *streaming) ended() bool {
	synctest.Wait()
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// inBubble runs a test whose goroutines must all have ended with it.
func inBubble(t *testing.T, body func(t *testing.T, b *bench)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { body(t, newBench(t)) })
}

func TestTailShowsBatchesUntilTheClientGoes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.put(plain(one, "m"))
		b.engine.events = make(chan pipeline.Event, 1)
		s := b.stream("/gantry/v1/mappings/m/tail")
		require.True(t, s.Flushed, "the head of the answer is sent before there is a batch")
		require.Equal(t, "application/x-ndjson", s.Header().Get("Content-Type"))
		require.Equal(t, 1, b.engine.watching())
		b.engine.events <- pipeline.Event{
			At: started, Function: "price", Class: function.Failed, Message: "it broke", Answer: []byte("the payload"), Elapsed: 1500 * time.Microsecond, Failed: 2,
			Parts: []pipeline.EventPart{
				{Partition: record.Partition{Topic: "orders", Index: 1}, First: 5, Last: 9, Count: 4},
				{Partition: record.Partition{Topic: "orders", Index: 2}, First: 0, Last: 0, Count: 1},
			},
		}
		require.False(t, s.ended())
		require.JSONEq(t, `{"at":"2026-11-23T12:00:00Z","function":"price","parts":[{"partition":"orders-1","first":5,"last":9,"count":4},
			{"partition":"orders-2","first":0,"last":0,"count":1}],"records":5,"result":"failed","failed":2,"message":"it broke","elapsedMs":1.5}`,
			s.Body.String())
		s.hangUp()
		require.True(t, s.ended())
		require.Zero(t, b.engine.watching(), "nobody watches any more")
	})
}

func TestStreamsEndWhenGantryStops(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.put(plain(one, "m"))
		b.putFunction(function.Function{Name: "f", Kind: function.HTTP})
		tail, logs := b.stream("/gantry/v1/mappings/m/tail"), b.stream("/gantry/v1/functions/f/logs?follow=true")
		require.False(t, tail.ended())
		require.False(t, logs.ended())
		close(b.stop)
		require.True(t, tail.ended())
		require.True(t, logs.ended())
		require.Zero(t, b.engine.watching())
	})
}

func TestLogsOfAFunction(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.putFunction(function.Function{Name: "f", Kind: function.Process})
		log := b.logs.Log("f")
		for _, text := range []string{"a", "b", "c"} {
			log.Write(functionlog.Line{Time: started, Stream: "stdout", RequestID: "r", Text: text})
		}
		line := func(text string) string {
			return `{"time":"2026-11-23T12:00:00Z","stream":"stdout","requestId":"r","text":"` + text + `"}` + "\n"
		}
		past := b.stream("/gantry/v1/functions/f/logs?lines=2")
		require.True(t, past.ended(), "without follow it ends by itself")
		require.Equal(t, line("b")+line("c"), past.Body.String())
		all := b.stream("/gantry/v1/functions/f/logs")
		require.True(t, all.ended())
		require.Equal(t, line("a")+line("b")+line("c"), all.Body.String())

		follows := b.stream("/gantry/v1/functions/f/logs?lines=0&follow=true")
		log.Write(functionlog.Line{Time: started, Stream: "stdout", RequestID: "r", Text: "d"})
		require.False(t, follows.ended())
		require.Equal(t, line("d"), follows.Body.String())
		follows.hangUp()
		require.True(t, follows.ended())

		for _, bad := range []string{"many", "-1", "100001"} {
			b.refused(400, "InvalidParameterValueException", `"`+bad+`" is not within 0..100000`, "GET", "/gantry/v1/functions/f/logs?lines="+bad, "")
		}
	})
}
