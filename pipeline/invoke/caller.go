package invoke

import (
	"context"
	"sync"

	"gantry/function"
	"gantry/record"
)

// Encoder writes the event of a batch behind dst (package encode).
type Encoder interface {
	Append(dst []byte, b *record.Batch) []byte
}

// Tracer follows a batch on its way to the function: Begin writes into the invocation what
// the function is told of it, and end hears what became of it. Safe for use by many
// goroutines.
type Tracer interface {
	Begin(ctx context.Context, b *record.Batch, in *function.Invocation) (end func(function.Outcome))
}

// Caller carries batches to one function. Safe for use by many goroutines.
type Caller struct {
	Encoder Encoder
	Invoker function.Invoker
	LogTail bool   // ask for the end of the log: dead letters carry it
	Tracer  Tracer // nil = nobody follows, at no cost

	buffers sync.Pool
}

// Call encodes the batch, once, into a buffer that is used again, and invokes.
func (c *Caller) Call(ctx context.Context, b *record.Batch) function.Outcome {
	buf, _ := c.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = c.Encoder.Append((*buf)[:0], b)
	in := function.Invocation{Payload: *buf, LogTail: c.LogTail}
	var out function.Outcome
	if c.Tracer == nil {
		out = c.Invoker.Invoke(ctx, in)
	} else {
		out = c.followed(ctx, b, in)
	}
	c.buffers.Put(buf)
	return out
}

// followed is an invocation under a tracer. It is a function of its own so that the
// invocation stays on the stack where there is none.
func (c *Caller) followed(ctx context.Context, b *record.Batch, in function.Invocation) function.Outcome {
	end := c.Tracer.Begin(ctx, b, &in)
	out := c.Invoker.Invoke(ctx, in)
	end(out)
	return out
}
