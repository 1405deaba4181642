package trip

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
)

// conn counts what is written to it.
type conn struct {
	net.Conn
	written atomic.Int64
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// ReadFrom writes a payload that is already in memory as one write: net/http would copy
// it through a buffer of 32 KB, and a payload has up to 6 MB.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if b, ok := limited.R.(*body); ok && b.whole(limited.N) {
			n, err := b.memory.WriteTo(c)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// body is a request's body that says when it was closed.
type body struct {
	io.Reader
	memory *bytes.Reader // where the body is a payload in memory
	source io.Closer     // where it is another's body
	trip   *Trip
}

// copied is the size up to which a payload is copied: it then travels in one packet with
// its headers, for net/http sends them ahead of any body whose type it does not know.
const copied = 3 << 10

// Payload makes the body of a request from bytes in memory.
func (t *Trip) Payload(b []byte) io.ReadCloser {
	if len(b) <= copied {
		t.copied = true
		return io.NopCloser(bytes.NewReader(bytes.Clone(b)))
	}
	memory := bytes.NewReader(b)
	return &body{Reader: memory, memory: memory, trip: t}
}

func (b *body) whole(limit int64) bool { return b.memory != nil && int64(b.memory.Len()) <= limit }

func (b *body) Close() error {
	defer b.trip.release()
	if b.source != nil {
		return b.source.Close()
	}
	return nil
}
