package process

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// reachTimeout bounds how long gantry tries to connect to a target.
const reachTimeout = 10 * time.Second

// way leads from inside a room to one target.
type way struct {
	target string
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	log    *slog.Logger

	connections, failed, sent, received atomic.Int64
}

// carry takes what comes from a process to the target and back, until both have ended or
// the room does. The process's connection stands before gantry has tried the target's:
// where that fails the process sees a reset.
func (w *way) carry(ctx context.Context, near net.Conn) {
	w.connections.Add(1)
	trying, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	far, err := w.dial(trying, "tcp", w.target)
	if err != nil {
		w.failed.Add(1)
		if ctx.Err() == nil {
			w.log.Warn("a target that functions may reach could not be connected to", "event", "egress.not_connected", "target", w.target, "error", err)
		}
		reset(near) // behind the line: who sees it finds it
		return
	}
	defer near.Close()
	defer far.Close()
	stop := context.AfterFunc(ctx, func() { reset(near); reset(far) })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { pass(far, near, &w.sent) })
	both.Go(func() { pass(near, far, &w.received) })
	both.Wait()
}

// pass copies one direction. Its end is passed on as an end, anything else as a reset of
// both: half a message must not look like a whole one.
func pass(to, from net.Conn, count *atomic.Int64) {
	// Plain readers and writers, so that bytes are counted as they go, also where the
	// connection is kept for hours.
	_, err := io.Copy(counting{to, count}, struct{ io.Reader }{from})
	half, can := to.(interface{ CloseWrite() error })
	switch {
	case err != nil:
		reset(to)
		reset(from)
	case can:
		_ = half.CloseWrite() // that it is gone shows in the other direction
	default:
		_ = to.Close()
	}
}

type counting struct {
	io.Writer
	count *atomic.Int64
}

// Write implements io.Writer.
func (c counting) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.count.Add(int64(n))
	return n, err
}

// reset closes a connection so that its other end sees that it broke off.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
