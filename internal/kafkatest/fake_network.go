package kafkatest

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Host is one machine on the network of a Fake. Safe for use by many goroutines.
type Host struct {
	dial  dialFunc
	seeds []string

	mu   sync.Mutex
	cut  bool
	open map[*hostConn]struct{}
}

// Brokers gives the addresses to bootstrap from.
func (h *Host) Brokers() []string { return slices.Clone(h.seeds) }

// Dial connects to a broker; pass it to kgo.Dialer.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if h.isCut() {
		return nil, refused(network)
	}
	inner, err := h.dial(ctx, network, address)
	if err != nil {
		return nil, refused(network)
	}
	c := &hostConn{Conn: inner, host: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cut { // cut while dialing
		inner.Close()
		return nil, refused(network)
	}
	h.open[c] = struct{}{}
	return c, nil
}

// Options gives what a client needs to reach the cluster from this machine.
func (h *Host) Options() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(h.seeds...), kgo.Dialer(h.Dial)}
}

// Client opens a client on this machine and closes it when t ends.
func (h *Host) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return openClient(t, append(h.Options(), opts...))
}

// Admin opens an administration client on this machine and closes it when t ends.
func (h *Host) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	return kadm.NewClient(h.Client(t))
}

// Drop resets every open connection, as a broker does that goes away. New connections
// succeed at once.
func (h *Host) Drop() {
	h.mu.Lock()
	open := h.open
	h.open = map[*hostConn]struct{}{}
	h.mu.Unlock()
	for c := range open {
		c.reset()
	}
}

// Cut resets every open connection and refuses new ones until Heal. A machine that is
// cut and never healed is, for the cluster, a process killed with kill -9: no member
// leaves, no offset is committed, nothing more is heard of it.
func (h *Host) Cut() {
	h.setCut(true)
	h.Drop()
}

// Heal ends a Cut.
func (h *Host) Heal() { h.setCut(false) }

func (h *Host) isCut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut
}

func (h *Host) setCut(cut bool) {
	h.mu.Lock()
	h.cut = cut
	h.mu.Unlock()
}

// hostConn answers a reset with the error a real socket gives: kgo retries by kind of
// error, and net.Pipe's own io.ErrClosedPipe is none it knows.
type hostConn struct {
	net.Conn
	host *Host

	mu      sync.Mutex
	dropped bool
}

func (c *hostConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.explain("read", err)
}

func (c *hostConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.explain("write", err)
}

func (c *hostConn) Close() error {
	c.host.mu.Lock()
	delete(c.host.open, c)
	c.host.mu.Unlock()
	return c.Conn.Close()
}

func (c *hostConn) reset() {
	c.mu.Lock()
	c.dropped = true
	c.mu.Unlock()
	c.Conn.Close()
}

func (c *hostConn) explain(op string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || !c.dropped {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}

func refused(network string) error {
	return &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

type hostList struct {
	mu  sync.Mutex
	all []*Host
}

func (l *hostList) add(h *Host) {
	l.mu.Lock()
	l.all = append(l.all, h)
	l.mu.Unlock()
}

func (l *hostList) drop() {
	l.mu.Lock()
	all := slices.Clone(l.all)
	l.mu.Unlock()
	for _, h := range all {
		h.Drop()
	}
}

func openClient(t testing.TB, opts []kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatalf("open a Kafka client: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}
