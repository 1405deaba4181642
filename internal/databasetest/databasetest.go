// Package databasetest runs real database servers for tests: Debian's PostgreSQL and
// MariaDB, and Java's OpenSearch and mongo-java-server, on this machine only, each with a
// data directory of its own that ends with the test. Where a server is not to be had the
// test is skipped, and says so.
package databasetest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Server is a database server. Its port stays when it is started again.
type Server struct {
	Host     string
	Port     int
	User     string // its administrator, who needs no password from this machine
	Database string

	t       testing.TB
	command func() *exec.Cmd
	open    func() (*sql.DB, error)
	log     string

	mu   sync.Mutex
	proc *exec.Cmd
	done chan struct{}
}

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Pid is that of the server's first process.
func (s *Server) Pid() int { return s.proc.Process.Pid }

// DB opens the database as the administrator; it is closed with the test.
func (s *Server) DB() *sql.DB {
	s.t.Helper()
	db, err := s.open()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

// Exec runs statements as the administrator.
func (s *Server) Exec(statements ...string) {
	s.t.Helper()
	db, err := s.open()
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for _, one := range statements {
		if _, err := db.ExecContext(context.Background(), one); err != nil {
			s.t.Fatalf("%s: %v", one, err)
		}
	}
}

// Start starts the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc, s.done = s.command(), make(chan struct{})
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.proc.Stdout, s.proc.Stderr = out, out
	if err := s.proc.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func(p *exec.Cmd, done chan struct{}) { _ = p.Wait(); close(done) }(s.proc, s.done)
	if err := s.answers(); err != nil {
		text, _ := os.ReadFile(s.log)
		s.t.Fatalf("the database server does not answer: %v\n%s", err, text)
	}
}

func (s *Server) answers() error {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("it has ended: %w", err)
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	_ = s.proc.Process.Kill()
	<-s.done
	s.proc = nil
}

// as gives the command that runs a server as a user who is not root, and ends it with the
// test binary. It skips the test where that can't be done.
func as(t testing.TB, name string, dir string) func(program string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skipf("setpriv of util-linux is not here: %v", err)
	}
	if os.Geteuid() != 0 {
		return func(program string, args ...string) *exec.Cmd {
			return exec.Command("setpriv", append([]string{"--pdeathsig", "KILL", program}, args...)...)
		}
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Skipf("the database has no user to run as: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid) // the system's own
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	for p := filepath.Dir(dir); p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil { //nolint:gosec // the server's user must get through
			t.Fatal(err)
		}
	}
	return func(program string, args ...string) *exec.Cmd {
		return exec.Command("setpriv", append([]string{"--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--pdeathsig", "KILL", program}, args...)...)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is TCP's
}
