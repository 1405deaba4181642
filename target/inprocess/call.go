package inprocess

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambda"

	"gantry/function"
)

// call is one handler at work. answer and err are set when done is closed.
type call struct {
	target *Target
	slot   lambda.Handler
	done   chan struct{}
	state  atomic.Int32 // running, then ended or abandoned by whoever is first
	answer []byte
	err    error
}

const (
	running int32 = iota
	ended
	abandoned
)

// start runs the handler on a copy of the event: the caller's bytes are only lent until
// Invoke returns, and the handler may outlive it.
func (t *Target) start(ctx context.Context, slot lambda.Handler, in function.Invocation) *call {
	c := &call{target: t, slot: slot, done: make(chan struct{}), err: errNoReturn}
	event := slices.Clone(in.Payload)
	go func() {
		defer c.end()
		c.answer, c.err = c.protect(t.handlerContext(ctx, in), event)
	}()
	return c
}

// errNoReturn stands until the handler has returned: runtime.Goexit would end it without.
var errNoReturn = errors.New("the handler ended its goroutine without returning")

func (c *call) end() {
	if !c.state.CompareAndSwap(running, ended) {
		c.target.abandoned.Add(-1)
	}
	c.target.slots <- c.slot
	close(c.done)
}

// protect turns a panic of the handler into its error, and makes the answer ours.
func (c *call) protect(ctx context.Context, event []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, panicked(p)
		}
	}()
	answer, err = c.slot.Invoke(ctx, event)
	return slices.Clone(answer), err
}

// abandon gives up waiting, unless the handler has just ended: then it waits for the
// answer, which is there.
func (c *call) abandon() {
	c.target.abandoned.Add(1)
	if !c.state.CompareAndSwap(running, abandoned) {
		c.target.abandoned.Add(-1)
		<-c.done
	}
}

// outcome says what the call came to.
func (t *Target) outcome(ctx context.Context, in function.Invocation, c *call) function.Outcome {
	select {
	case <-c.done:
		return t.answered(ctx, in, c)
	default:
	}
	if errors.Is(context.Cause(ctx), errTimeout) {
		return t.timedOut(in)
	}
	return function.Outcome{Class: function.Unknown,
		Message: t.message("given up while its handler was at work: %v; it may still do its work", context.Cause(ctx))}
}
