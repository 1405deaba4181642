package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// World is a set of hosts of one test.
type World struct {
	t     testing.TB
	hosts []*Host
	nets  int
}

// Host is one network namespace.
type Host struct {
	name  string // as the test calls it
	space string // as the system does
	t     testing.TB
	addrs map[*Host]string // its address on the cable to another
	names [][2]string      // address and name, for /etc/hosts
}

// serial tells the namespaces of one process apart.
var serial atomic.Int64

// New skips the test, with the reason, where namespaces cannot be made.
func New(t testing.TB) *World {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need ip (Debian: iproute2)")
	}
	w := &World{t: t}
	probe := fmt.Sprintf("gantry-%d-probe-%d", os.Getpid(), serial.Add(1))
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("network namespaces cannot be made here: %s", bytes.TrimSpace(out))
	}
	_ = exec.Command("ip", "netns", "del", probe).Run()
	return w
}

// Host makes a machine without any cable.
func (w *World) Host(name string) *Host {
	w.t.Helper()
	h := &Host{name: name, t: w.t, space: fmt.Sprintf("gantry-%d-%d-%s", os.Getpid(), serial.Add(1), name), addrs: map[*Host]string{}}
	w.must("ip", "netns", "add", h.space)
	w.t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", h.space).Run()
		_ = os.RemoveAll(h.etc())
	})
	w.must("ip", "-n", h.space, "link", "set", "lo", "up")
	if err := os.MkdirAll(h.etc(), 0o755); err != nil {
		w.t.Fatal(err)
	}
	h.Name("127.0.0.1", "localhost")
	w.hosts = append(w.hosts, h)
	return h
}

// Cable joins two hosts. Each gets an address in a network of their own.
func (w *World) Cable(a, b *Host) {
	w.t.Helper()
	w.nets++
	n := serial.Add(1)
	near, far := fmt.Sprintf("gt%da", n), fmt.Sprintf("gt%db", n)
	w.must("ip", "link", "add", near, "netns", a.space, "type", "veth", "peer", "name", far, "netns", b.space)
	for i, end := range []struct {
		host, other *Host
		link        string
	}{{a, b, near}, {b, a, far}} {
		addr := fmt.Sprintf("10.77.%d.%d", w.nets, i+1)
		end.host.addrs[end.other] = addr
		w.must("ip", "-n", end.host.space, "addr", "add", addr+"/24", "dev", end.link)
		w.must("ip", "-n", end.host.space, "link", "set", end.link, "up")
	}
}

func (w *World) must(command ...string) {
	w.t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v: %s", command, err, bytes.TrimSpace(out))
	}
}

// Addr gives the host's address as another host sees it over their cable.
func (h *Host) Addr(from *Host) string {
	h.t.Helper()
	addr, ok := h.addrs[from]
	if !ok {
		h.t.Fatalf("there is no cable between %s and %s", h.name, from.name)
	}
	return addr
}

// AddAddr gives the host one more address, on its loopback: neighbours reach it only by
// a route, which Route makes.
func (h *Host) AddAddr(addr string) {
	h.t.Helper()
	w := World{t: h.t}
	w.must("ip", "-n", h.space, "addr", "add", addr+"/32", "dev", "lo")
}

// Route sends what is for an address over the cable to another host.
func (h *Host) Route(addr string, via *Host) {
	h.t.Helper()
	w := World{t: h.t}
	w.must("ip", "-n", h.space, "route", "add", addr+"/32", "via", via.Addr(h))
}

func (h *Host) etc() string { return filepath.Join("/etc/netns", h.space) }

// Name makes a name known on this host; the last word about a name counts.
func (h *Host) Name(addr, name string) {
	h.t.Helper()
	h.names = slices.DeleteFunc(h.names, func(n [2]string) bool { return n[1] == name })
	h.names = append(h.names, [2]string{addr, name})
	var hosts bytes.Buffer
	for _, n := range h.names {
		fmt.Fprintf(&hosts, "%s %s\n", n[0], n[1])
	}
	for file, content := range map[string][]byte{"hosts": hosts.Bytes(), "resolv.conf": []byte("nameserver 127.0.0.1\n")} {
		if err := os.WriteFile(filepath.Join(h.etc(), file), content, 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
}

// Exec is the beginning of a command line that runs a program on the host.
func (h *Host) Exec() []string { return []string{"ip", "netns", "exec", h.space} }

// Command is a program to be run on the host.
func (h *Host) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	line := slices.Concat(h.Exec(), []string{program}, args)
	return exec.CommandContext(ctx, line[0], line[1:]...)
}

// Do runs a function on a thread that is on this host: sockets it makes there stay there.
// What it starts in other goroutines is elsewhere. The thread goes back afterwards and is
// not ended: the kernel would kill programs that were started on it and are to die with it.
func (h *Host) Do(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		if err := enter(filepath.Join("/run/netns", h.space)); err != nil {
			done <- fmt.Errorf("enter %s: %w", h.name, err)
			return
		}
		err = do()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil { //nolint:gosec // a descriptor
			done <- errors.Join(err, fmt.Errorf("come back from %s: %w", h.name, back))
			return
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

func enter(space string) error {
	file, err := os.Open(space)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Setns(int(file.Fd()), unix.CLONE_NEWNET) //nolint:gosec // a descriptor
}

// Dial connects from the host. The address must be numeric.
func (h *Host) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial from %s: %w", h.name, err)
	}
	err = h.Do(func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen opens a socket on the host that the test serves.
func (h *Host) Listen(network, address string) net.Listener {
	h.t.Helper()
	var l net.Listener
	err := h.Do(func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	if err != nil {
		h.t.Fatalf("listen on %s: %v", h.name, err)
	}
	h.t.Cleanup(func() { _ = l.Close() })
	return l
}
