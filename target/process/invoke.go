package process

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"gantry/function"
)

// handOuts is how many processes are tried for one event: each try ends only because the
// process ended between being free and taking the event.
const handOuts = 4

// call is one event on its way through one process.
type call struct {
	in         function.Invocation
	id         string // the request id
	invocation string // tells this delivery from another of the same request
	timeout    time.Duration
	deadline   time.Time
	done       chan result // holds one

	// writing is held while the payload is written, which belongs to the caller of
	// Invoke: a process may answer before it has read all of its event.
	writing sync.Mutex
}

// result is what came of a call.
type result struct {
	class     function.Class
	answer    []byte
	message   string // for people
	notHanded bool   // the process ended before it took the event
	log       []byte // of a failed init phase
}

// Invoke gives the event to a process and returns its answer. When ctx ends the process
// is killed, unless the answer is already there.
func (p *Pool) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	begin := time.Now()
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	var o function.Outcome
	if n := len(in.Payload); n > function.MaxPayload {
		o = function.Outcome{Class: function.TooLarge, StatusCode: 413,
			Message: fmt.Sprintf("function %s: the event has %d bytes, over the limit of %d", p.fn.Name, n, function.MaxPayload)}
	} else {
		o = p.invoke(ctx, in)
	}
	o.RequestID = in.RequestID
	o.Elapsed = time.Since(begin)
	return o
}

func (p *Pool) invoke(ctx context.Context, in function.Invocation) function.Outcome {
	for range handOuts {
		l, err := p.acquire(ctx)
		switch {
		case err != nil:
			return p.notReached(fmt.Sprintf("no process became free before the call was cut (%d at most): %v", p.max, context.Cause(ctx)))
		case l.failed != nil:
			return p.outcome(in, l.failed(in.RequestID), nil)
		case l.worker == nil:
			return p.notReached("it is being shut down")
		}
		if o, ok := p.run(ctx, in, l); ok {
			return o
		}
	}
	return p.notReached(fmt.Sprintf("%d processes in a row ended before they took the event", handOuts))
}

// run hands the event to the leased process; false if it did not take it.
func (p *Pool) run(ctx context.Context, in function.Invocation, l lease) (function.Outcome, bool) {
	c := &call{in: in, id: in.RequestID, invocation: newInvocation(), timeout: max(p.fn.Timeout-l.spent, time.Millisecond), done: make(chan result, 1)}
	w := l.worker
	var tail *tail
	if in.LogTail {
		tail = w.out.keepTail(c.id)
	}
	if !w.hand(c) {
		return function.Outcome{}, false
	}
	handed := time.Now()
	r, cut := wait(ctx, w, c)
	if r.notHanded {
		if cut {
			return p.notReached(fmt.Sprintf("cut before a process took the event: %v", context.Cause(ctx))), true
		}
		return function.Outcome{}, false
	}
	c.writing.Lock()   // the payload is the caller's again once it is written
	c.writing.Unlock() //nolint:staticcheck // empty on purpose: only the wait matters
	if tail != nil {
		tail.report(report{id: c.id, took: time.Since(handed), memory: p.fn.Memory})
	}
	return p.outcome(in, r, tail), true
}

// wait returns what came of a call that was handed out, and whether ctx cut it.
func wait(ctx context.Context, w *worker, c *call) (result, bool) {
	select {
	case r := <-c.done:
		return r, false
	case <-ctx.Done():
	}
	w.cut(c)
	select {
	case r := <-c.done:
		return r, true
	case <-time.After(killGrace):
		return result{class: function.Unknown, message: "cut, and the process is still there after it was killed"}, true
	}
}

func (p *Pool) outcome(in function.Invocation, r result, t *tail) function.Outcome {
	o := function.Outcome{Class: r.class, Answer: r.answer}
	if r.message != "" {
		o.Message = fmt.Sprintf("function %s: %s", p.fn.Name, r.message)
	}
	if r.class == function.Succeeded || r.class == function.Failed {
		o.StatusCode, o.ExecutedVersion = 200, function.LatestVersion
	}
	if r.class == function.Failed {
		o.FunctionError = "Unhandled"
		p.suspect()
	}
	if in.LogTail {
		o.Log = r.log
		if t != nil {
			o.Log = t.bytes()
		}
	}
	return o
}

func (p *Pool) notReached(why string) function.Outcome {
	return function.Outcome{Class: function.NotReached, Message: fmt.Sprintf("function %s was not invoked: %s", p.fn.Name, why)}
}

// newInvocation names one delivery of an event. It guards against mix-ups, not against
// malice (the owner of the connection is checked for that), so it needs no crypto/rand.
func newInvocation() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], rand.Uint64())
	binary.BigEndian.PutUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// traceID is the caller's, or a fresh one in X-Ray's form that asks for no sampling.
func (c *call) traceID() string {
	if c.in.TraceID != "" {
		return c.in.TraceID
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), c.invocation[:24], c.invocation[:16])
}

// clientContext is the JSON that the caller sent as base64: Lambda decodes it for the
// runtime. What is not base64 goes on as it came.
func (c *call) clientContext() string {
	decoded, err := base64.StdEncoding.DecodeString(c.in.ClientContext)
	if err != nil {
		return c.in.ClientContext
	}
	return string(decoded)
}
