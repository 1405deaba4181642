package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// room is the closed network of one pool: a thread that went into namespaces of its own
// and never comes back, what listens there, and the ways out. Processes started from the
// thread live there; sockets made on it stay there, and gantry serves them from outside.
// The kernel drops the namespaces when thread, sockets and processes have gone.
type room struct {
	thread    *thread
	ways      []*way
	listeners []net.Listener
	ctx       context.Context // ends with the room
	cut       context.CancelFunc
	serving   sync.WaitGroup
	once      sync.Once
}

// openRoom makes a room whose targets answer already.
func openRoom(e *Egress, dataDir string, log *slog.Logger) (*room, error) {
	open, err := openings(e.Targets)
	if err != nil {
		return nil, err
	}
	dial := e.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: reachTimeout}).DialContext
	}
	r := &room{thread: newThread()}
	r.ctx, r.cut = context.WithCancel(context.Background())
	if err := r.furnish(open, dataDir); err != nil {
		r.close()
		return nil, err
	}
	for _, o := range open {
		w := &way{target: o.target, dial: dial, log: log}
		for _, a := range o.inside {
			if err := r.answer(w, a); err != nil {
				r.close()
				return nil, fmt.Errorf("egress target %s: answer at %s for it: %w", o.target, a, err)
			}
		}
		r.ways = append(r.ways, w)
	}
	return r, nil
}

// furnish makes the namespaces and what names and addresses need there.
func (r *room) furnish(open []opening, dataDir string) error {
	var addrs []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, o := range open {
		for _, a := range o.inside {
			if !a.Addr().IsLoopback() && !seen[a.Addr()] {
				seen[a.Addr()] = true
				addrs = append(addrs, a.Addr())
			}
		}
	}
	hosts := func(machine string) string { return hostsFile(machine, open) }
	if err := r.thread.do(func() error { return enclose(addrs, hosts, dataDir) }); err != nil {
		return fmt.Errorf("close the network to its processes: %w", err)
	}
	return nil
}

// answer begins to serve a target at an address inside.
func (r *room) answer(w *way, at netip.AddrPort) error {
	l, err := r.listen(at.String())
	if err != nil {
		if at.Addr() == netip.IPv6Loopback() && !strings.HasPrefix(w.target, "[") {
			return nil // localhost, on a machine without IPv6: its other address answers
		}
		return err
	}
	r.listeners = append(r.listeners, l)
	r.serving.Go(func() { r.accept(l, w) })
	return nil
}

// listen opens a port inside. Where the pool is in no room, it is one of the machine's.
func (r *room) listen(address string) (net.Listener, error) {
	if r == nil {
		return net.Listen("tcp", address)
	}
	var l net.Listener
	err := r.thread.do(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}

// Accepting goes on after an error: short of descriptors, a few may be free again soon.
const acceptPause = 20 * time.Millisecond

func (r *room) accept(l net.Listener, w *way) {
	for {
		near, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case <-time.After(acceptPause):
			case <-r.ctx.Done():
			}
		default:
			r.serving.Go(func() { w.carry(r.ctx, near) })
		}
	}
}

// close ends what listens and what is under way, and gives the namespaces up. Twice is
// harmless.
func (r *room) close() {
	if r == nil {
		return
	}
	r.once.Do(func() {
		r.cut()
		for _, l := range r.listeners {
			_ = l.Close()
		}
		r.serving.Wait()
		r.thread.end()
	})
}

func (r *room) stats() []EgressStats {
	if r == nil {
		return nil
	}
	out := make([]EgressStats, 0, len(r.ways))
	for _, w := range r.ways {
		out = append(out, EgressStats{
			Target: w.target, Connections: w.connections.Load(), Failed: w.failed.Load(), Sent: w.sent.Load(), Received: w.received.Load(),
		})
	}
	return out
}
