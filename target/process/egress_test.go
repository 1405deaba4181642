//go:build linux

package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// closed gives the function a network with these targets alone.
func closed(t testing.TB, targets ...string) option {
	t.Helper()
	if err := process.EgressPossible(); err != nil {
		t.Skip(err)
	}
	return func(_ *function.Function, c *process.Config) { c.Egress = &process.Egress{Targets: targets} }
}

// leadingTo has gantry find every target at one address.
func leadingTo(address string) option {
	return func(_ *function.Function, c *process.Config) {
		c.Egress.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}
}

// echo answers with what it gets, and ends when that ends.
func echo(t testing.TB, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, struct{ io.Reader }{conn}) // splicing would keep pipes for later
			}()
		}
	}()
	return l.Addr().String()
}

func (r *rig) reaches(address string) {
	r.t.Helper()
	require.Equal(r.t, "hello", r.text(fmt.Sprintf(`{"do":"reach","path":%q}`, address)), address)
}

// refused asks that a connection fails at once.
func (r *rig) refused(address string) {
	r.t.Helper()
	o := r.invoke(fmt.Sprintf(`{"do":"try","path":%q}`, address))
	var got struct {
		Error string
		MS    int64
	}
	require.NoError(r.t, json.Unmarshal(o.Answer, &got), "%s: %s %s", address, o.Answer, o.Message)
	require.NotEmpty(r.t, got.Error, address)
	require.Less(r.t, got.MS, int64(2000), "%s: %s", address, got.Error)
}

// What a pool is elsewhere it is in a closed network: warm and cold, several processes,
// crashes, deadlines.
func TestClosedPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, closed(t), processes(4), timeout(3*time.Second))
	require.JSONEq(t, `{"a":1}`, string(r.invoke(`{"a":1}`).Answer))
	require.Equal(t, r.pid(), r.pid(), "a warm process is used again")
	first := r.pid()
	kind, _ := r.document(r.invoke(`{"do":"exit"}`))
	require.Equal(t, "Runtime.ExitError", kind)
	require.NotEqual(t, first, r.pid())
	kind, _ = r.document(r.invoke(`{"do":"hang"}`))
	require.Equal(t, "Sandbox.Timedout", kind)

	file := filepath.Join(t.TempDir(), "wait")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	before := r.Stats().ColdStarts
	answers := make(chan function.Outcome, 4)
	for range 4 {
		go func() { answers <- r.invoke(fmt.Sprintf(`{"do":"wait","path":%q}`, file)) }()
	}
	require.Eventually(t, func() bool { return r.Stats().Busy == 4 && r.Stats().ColdStarts == before+4 }, 10*time.Second, time.Millisecond)
	require.NoError(t, os.Remove(file))
	pids := map[string]bool{}
	for range 4 {
		o := <-answers
		require.Equal(t, function.Succeeded, o.Class, o.Message)
		pids[string(o.Answer)] = true
	}
	require.Len(t, pids, 4)
	var inside []string
	require.NoError(t, json.Unmarshal(r.invoke(`{"do":"spaces"}`).Answer, &inside))
	for i, kind := range []string{"net", "mnt"} {
		ours, err := os.Readlink("/proc/self/ns/" + kind)
		require.NoError(t, err)
		require.NotEqual(t, ours, inside[i])
	}
}

func TestTargetsAnswer(t *testing.T) {
	t.Parallel()
	four := echo(t, "tcp4", "127.0.0.1:0")
	targets := []string{four, "DB.internal:5432", "other.internal:5432", "db.internal:80", "10.99.3.4:443", "203.0.113.7:443"}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		require.NoError(t, l.Close())
		targets = append(targets, "[::1]:8443", "[fd00:99::5]:443")
	}
	r := newRig(t, closed(t, targets...), leadingTo(four))
	for _, target := range targets {
		r.reaches(target)
	}
	for _, s := range r.Egress() {
		require.Equal(t, process.EgressStats{Target: s.Target, Connections: 1, Sent: 5, Received: 5}, s)
	}
	for _, near := range []string{"db.internal:5433", "other.internal:80", "10.99.3.5:443", "10.0.0.1:443", "203.0.113.7:444", "www.db.internal:5432"} {
		r.refused(near)
	}
}

// By default gantry reaches a target as the machine does.
func TestTargetsOfTheMachine(t *testing.T) {
	t.Parallel()
	address := echo(t, "tcp4", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	r := newRig(t, closed(t, "localhost:"+port))
	r.reaches("localhost:" + port)
	r.reaches(address)
	require.Equal(t, []process.EgressStats{{Target: "localhost:" + port, Connections: 2, Sent: 10, Received: 10}}, r.Egress())
}

// What is not declared is not reached, on whichever of the machine's addresses it is, and
// nothing hangs.
func TestNothingElseAnswers(t *testing.T) {
	t.Parallel()
	allowed := echo(t, "tcp4", "127.0.0.1:0")
	everywhere := echo(t, "tcp", ":0")
	_, port, err := net.SplitHostPort(everywhere)
	require.NoError(t, err)
	r := newRig(t, closed(t, allowed))
	open := newRig(t)
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		if ip.IsLinkLocalUnicast() {
			continue // takes the name of a device
		}
		at := net.JoinHostPort(ip.String(), port)
		open.reaches(at) // the machine's network has it
		r.refused(at)
	}
	for _, at := range []string{"localhost:" + port, "169.254.169.254:80", "192.0.2.1:443", "[2001:db8::1]:443", "undeclared.example:443", "undeclared:443"} {
		r.refused(at)
	}
	if name, err := os.Hostname(); err == nil {
		r.refused(net.JoinHostPort(name, port))
	}
	r.reaches(allowed)
}

// Abstract unix sockets are the network's; those with a path are files.
func TestAbstractSockets(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("gantry-egress-test-%d", os.Getpid())
	l, err := net.Listen("unix", "@"+name)
	require.NoError(t, err)
	defer l.Close()
	event := fmt.Sprintf(`{"do":"abstract","path":%q}`, name)
	require.Equal(t, function.Succeeded, newRig(t).invoke(event).Class)
	r := newRig(t, closed(t))
	_, message := r.document(r.invoke(event))
	require.Contains(t, message, "connection refused")
}

// A function of root's has no way back into the machine's network, and one of another
// user has none either.
func TestNobodyLeaves(t *testing.T) {
	t.Parallel()
	for _, as := range []option{func(*function.Function, *process.Config) {}, asNobody(t)} {
		r := newRig(t, as, closed(t))
		for _, pid := range []int{os.Getpid(), 1} {
			kind, message := r.document(r.invoke(fmt.Sprintf(`{"do":"leave","path":"/proc/%d/ns/net"}`, pid)))
			require.NotEmpty(t, kind)
			require.Regexp(t, "permission denied|operation not permitted", message)
		}
		o := r.invoke(`{"do":"read","path":"/proc/self/status"}`)
		require.Equal(t, function.Succeeded, o.Class, o.Message)
		require.Contains(t, string(o.Answer), `NoNewPrivs:\t1`)
	}
}

func TestUserInAClosedNetwork(t *testing.T) {
	t.Parallel()
	address := echo(t, "tcp4", "127.0.0.1:0")
	r := newRig(t, asNobody(t), closed(t, "db.internal:5432"), leadingTo(address))
	require.Equal(t, 65534, r.look().UID)
	r.reaches("db.internal:5432")
	r.refused(address)
	hosts := r.text(`{"do":"read","path":"/etc/hosts"}`)
	require.Contains(t, hosts, "127.77.0.1 db.internal\n")
	require.Contains(t, hosts, "127.0.0.1 localhost\n")
}

// The Runtime API inside answers the function's own processes alone: neither another
// function in the same network, nor anybody outside, who finds another network's port.
func TestStrangersInAClosedNetwork(t *testing.T) {
	t.Parallel()
	r := newRig(t, closed(t), writes, processes(2))
	require.Equal(t, "200 asked /gantry/v1/topics/valid/records", r.text(`{"do":"send"}`))
	require.Contains(t, r.text(`{"do":"send","path":"guessed"}`), "403 ")

	file := filepath.Join(t.TempDir(), "wait")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	done := make(chan function.Outcome, 1)
	go func() { done <- r.invoke(fmt.Sprintf(`{"do":"wait","path":%q}`, file)) }() // keeps one process
	var others map[string]string
	require.Eventually(t, func() bool { // a process that is about to end its event may be given the first of these
		require.NoError(t, json.Unmarshal(r.invoke(`{"do":"ask-others"}`).Answer, &others))
		return len(others) > 0
	}, 10*time.Second, time.Millisecond)
	for api, status := range others {
		require.Contains(t, status, "403 Forbidden", api)
		require.Contains(t, status, "answers the function's own processes only", api)
	}
	require.NoError(t, os.Remove(file))
	require.Equal(t, function.Succeeded, (<-done).Class)
	_, err := net.DialTimeout("tcp", r.text(`{"do":"env","path":"AWS_LAMBDA_RUNTIME_API"}`), time.Second)
	require.Error(t, err, "the port is the closed network's")
}

// A target that is not there: the process sees a reset, and the log has a line.
func TestTargetIsNotThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	log := &spoken{}
	r := newRig(t, closed(t, address), func(_ *function.Function, c *process.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	o := r.invoke(fmt.Sprintf(`{"do":"reach","path":%q}`, address))
	_, message := r.document(o)
	require.Regexp(t, "reset by peer|broken pipe", message)
	require.Contains(t, log.String(), "event=egress.not_connected target="+address)
	require.Equal(t, []process.EgressStats{{Target: address, Connections: 1, Failed: 1}}, r.Egress())
}

// spoken keeps a log that is written by many.
type spoken struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestCarriedByteByByte(t *testing.T) {
	t.Parallel()
	address := echo(t, "tcp4", "127.0.0.1:0")
	r := newRig(t, closed(t, "db.internal:5432"), leadingTo(address))
	const size = 10 << 20
	o := r.invoke(fmt.Sprintf(`{"do":"flow","path":"db.internal:5432","size":%d}`, size))
	var got struct {
		Sent, Received string
		Bytes          int
	}
	require.NoError(t, json.Unmarshal(o.Answer, &got), o.Message)
	require.Equal(t, size, got.Bytes)
	require.Equal(t, got.Sent, got.Received)
	require.Equal(t, []process.EgressStats{{Target: "db.internal:5432", Connections: 1, Sent: size, Received: size}}, r.Egress())
}

func TestThousandConnections(t *testing.T) {
	t.Parallel()
	address := echo(t, "tcp4", "127.0.0.1:0")
	r := newRig(t, closed(t, "db.internal:5432"), leadingTo(address), timeout(60*time.Second))
	o := r.invoke(`{"do":"crowd","path":"db.internal:5432","size":1000}`)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	require.Equal(t, int64(1000), r.Egress()[0].Connections)
	require.Zero(t, r.Egress()[0].Failed)
}

// A pool that is closed ends the connections it carries, and leaves no thread,
// descriptor, mount or namespace.
func TestClosedPoolsLeaveNothing(t *testing.T) {
	address := echo(t, "tcp4", "127.0.0.1:0")
	home, mounts := space(t, "self"), mounted(t)
	var spaces []string
	one := func() {
		r := newRig(t, closed(t, address, "db.internal:1", "10.1.2.3:4"))
		r.reaches(address)
		var inside []string
		require.NoError(t, json.Unmarshal(r.invoke(`{"do":"spaces"}`).Answer, &inside))
		spaces = append(spaces, inside[0])
		require.NoError(t, r.Close(t.Context()))
		require.Equal(t, home, space(t, "self"), "the first thread went into a namespace")
		left, _ := filepath.Glob(filepath.Join(r.data, "function-hosts-*"))
		require.Empty(t, left)
	}
	for range 3 {
		one()
	}
	tasks, fds := count(t, "task"), count(t, "fd")
	for range 50 {
		one()
	}
	unused, err := process.New(function.Function{Name: "unused", Runtime: "provided.al2023"}, process.Config{
		CodeDir: t.TempDir(), DataDir: t.TempDir(), Egress: &process.Egress{Targets: []string{address}},
	})
	require.NoError(t, err)
	require.NoError(t, unused.Close(t.Context()))
	require.NoError(t, unused.Close(t.Context()))
	require.Eventually(t, func() bool { return count(t, "fd") <= fds }, 10*time.Second, 10*time.Millisecond, "descriptors: %d before", fds)
	require.Eventually(t, func() bool { return count(t, "task") <= tasks+5 }, 10*time.Second, 10*time.Millisecond, "threads: %d before", tasks)
	require.Equal(t, mounts, mounted(t))
	threads, err := filepath.Glob("/proc/[0-9]*/task/*/ns/net")
	require.NoError(t, err)
	for _, thread := range threads {
		in, _ := os.Readlink(thread)
		require.NotContains(t, spaces, in, thread)
	}
}

func count(t *testing.T, what string) int {
	all, err := os.ReadDir("/proc/self/" + what)
	require.NoError(t, err)
	return len(all)
}

func space(t *testing.T, pid string) string {
	in, err := os.Readlink("/proc/" + pid + "/ns/net")
	require.NoError(t, err)
	return in
}

func mounted(t *testing.T) string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	return string(b)
}

// Every bad target is named at once.
func TestBadTargets(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"db.internal": "want HOST:PORT", "db.internal:0": "no number within", "db.internal:65536": "no number within", "db:http": "no number within",
		":80": "neither an address nor a name", "a b:80": "neither", "a\n10.0.0.1 c:80": "neither", "a#b:80": "neither", "127.1:80": "neither", "a..b:80": "neither",
		"0.0.0.0:80": "not the address of one machine", "[::]:80": "not the address", "224.0.0.1:80": "not the address", "[fe80::1%eth0]:80": "not the address",
	}
	var targets []string
	for target := range bad {
		targets = append(targets, target)
	}
	_, err := process.New(function.Function{Name: "orders", Runtime: "provided.al2023"},
		process.Config{CodeDir: t.TempDir(), DataDir: t.TempDir(), Egress: &process.Egress{Targets: targets}})
	require.Error(t, err)
	faults := strings.Split(err.Error(), "\n")
	require.Len(t, faults, len(bad))
	for target, want := range bad {
		require.Contains(t, err.Error(), "egress target "+strconv.Quote(target)+": ")
		require.Contains(t, err.Error(), want)
	}
}
