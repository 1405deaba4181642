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

// Caller carries batches to one function. Safe for use by many goroutines.
type Caller struct {
	Encoder Encoder
	Invoker function.Invoker
	LogTail bool // ask for the end of the log: dead letters carry it

	buffers sync.Pool
}

// Call encodes the batch, once, into a buffer that is used again, and invokes.
func (c *Caller) Call(ctx context.Context, b *record.Batch) function.Outcome {
	buf, _ := c.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = c.Encoder.Append((*buf)[:0], b)
	out := c.Invoker.Invoke(ctx, function.Invocation{Payload: *buf, LogTail: c.LogTail})
	c.buffers.Put(buf)
	return out
}
