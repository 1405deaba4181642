package targets

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/inprocess"
)

func TestInProcess(t *testing.T) {
	t.Parallel()
	lacks := map[Behaviour]string{}
	for _, b := range []Behaviour{Refuses, Throttles, Overloaded, Redirects, Forbids, Missing, TooBig, CutUnread,
		CutAfterRun, HalfAnswer, BadGateway, AnswersLate, Drips, Stalls, Hasty} {
		lacks[b] = "nothing lies between gantry and a handler"
	}
	Run(t, Target{Lacks: lacks, Open: openInProcess})
}

func openInProcess(t *testing.T, b Behaviour, timeout time.Duration) Subject {
	var runs atomic.Int64
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	handlers := map[Behaviour]func(json.RawMessage) (any, error){
		Echo:    func(event json.RawMessage) (any, error) { return event, nil },
		Nothing: func(json.RawMessage) (any, error) { return nil, nil },
		Fails:   func(json.RawMessage) (any, error) { return nil, errors.New("no such order") },
		Dies:    func(json.RawMessage) (any, error) { panic("out of range") },
		Hangs:   func(json.RawMessage) (any, error) { <-forever; return nil, nil },
		Babbles: func(json.RawMessage) (any, error) { return strings.Repeat("x", function.MaxAnswer), nil },
	}
	require.Contains(t, handlers, b)
	handler := func(_ context.Context, event json.RawMessage) (any, error) {
		runs.Add(1)
		return handlers[b](event)
	}
	if timeout == 0 {
		timeout = time.Minute
	}
	target, err := inprocess.New("orders", handler, inprocess.Config{Timeout: timeout, Concurrency: 16})
	require.NoError(t, err)
	begun := func() int { return int(runs.Load()) }
	return Subject{Invoker: target, Runs: begun, Arrived: begun}
}
