// Package gantrytest runs the gantry binary as its users do: built once for a test
// binary, started with a configuration file and a data directory, reached through its
// API, ended by SIGTERM or by kill -9. What functions deliver is kept in a journal that
// survives every kill (journal.go).
package gantrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gantry/api/client"
	"gantry/internal/freeport"
)

// binaryVariable names a gantry to test instead of the one of this tree: a release.
const binaryVariable = "GANTRY_BINARY"

var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "gantry-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gantry")
	out, err := exec.Command("go", "build", "-o", path, "gantry/cmd/gantry").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build gantry: %w\n%s", err, out)
	}
	return path, nil
})

// Binary gives the built gantry.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Options of a gantry. Every gantry has a port of its own.
type Options struct {
	Config  string // YAML; empty = no file
	DataDir string // empty = a new one
	Dir     string // where relative paths of the file begin; empty = DataDir's parent
	Env     []string
	Args    []string
	Exec    []string // the beginning of a command line that runs it elsewhere (netns.Host.Exec)
}

// Gantry is one process. Started again it keeps its data directory and its port.
type Gantry struct {
	URL     string
	DataDir string

	t      testing.TB
	listen string
	args   []string
	env    []string
	exec   []string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	log  *lockedBuffer
}

// Start starts a gantry and waits until its API answers.
func Start(t testing.TB, o Options) *Gantry {
	t.Helper()
	g := New(t, o)
	g.Up()
	return g
}

// New prepares a gantry without starting it.
func New(t testing.TB, o Options) *Gantry {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = filepath.Join(t.TempDir(), "data")
	}
	if o.Dir == "" {
		o.Dir = filepath.Dir(o.DataDir)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	g := &Gantry{URL: "http://" + listen, DataDir: o.DataDir, t: t, listen: listen, env: o.Env, exec: o.Exec, log: &lockedBuffer{}}
	g.args = append([]string{"serve", "--listen", listen, "--data-dir", o.DataDir}, o.Args...)
	if o.Config != "" {
		path := filepath.Join(o.Dir, "gantry.yaml")
		if err := os.WriteFile(path, []byte(o.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		g.args = append(g.args, "-c", path)
	}
	t.Cleanup(func() {
		g.Kill()
		if t.Failed() {
			t.Logf("log of gantry %s:\n%s", g.listen, g.log.tail(20_000))
		}
	})
	return g
}

// FreePort gives a port of loopback that nobody listens on, and that nobody else who asks
// for one gets before the test is over.
func FreePort(t testing.TB) int {
	t.Helper()
	c, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c.Port
}

// Up starts the process and waits until its API answers.
func (g *Gantry) Up() {
	g.t.Helper()
	g.Launch()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		res, err := http.Get(g.URL + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			return
		}
		if g.exited() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	g.t.Fatalf("gantry does not answer:\n%s", g.log.tail(20_000))
}

// Launch starts the process and does not wait.
func (g *Gantry) Launch() {
	g.t.Helper()
	line := slices.Concat(g.exec, []string{Binary(g.t)}, g.args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), g.env...)
	cmd.Stdout, cmd.Stderr = g.log, g.log
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	done := make(chan struct{})
	g.mu.Lock()
	g.cmd, g.done = cmd, done
	g.mu.Unlock()
	go func() {
		err := cmd.Wait()
		g.mu.Lock()
		g.err = err
		g.mu.Unlock()
		close(done)
	}()
}

func (g *Gantry) exited() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// Kill is kill -9.
func (g *Gantry) Kill() {
	g.mu.Lock()
	cmd, done := g.cmd, g.done
	g.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-done
}

// Stop asks it to stop and waits; the error is its exit status.
func (g *Gantry) Stop() error {
	g.mu.Lock()
	cmd, done := g.cmd, g.done
	g.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(time.Minute):
		return errors.New("gantry did not stop within a minute of SIGTERM")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// Signal sends the process a signal, such as SIGSTOP.
func (g *Gantry) Signal(s os.Signal) {
	g.t.Helper()
	if err := g.cmd.Process.Signal(s); err != nil {
		g.t.Fatal(err)
	}
}

// Pid is the process's.
func (g *Gantry) Pid() int { return g.cmd.Process.Pid }

// Log is what it has logged, over all its lives.
func (g *Gantry) Log() string { return g.log.tail(1 << 20) }

// API is a signing client of its API.
func (g *Gantry) API() *client.Client {
	g.t.Helper()
	c, err := client.New(context.Background(), client.Config{Endpoint: g.URL, DataDir: g.DataDir})
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// Lambda is AWS's own client, with nothing changed but the endpoint.
func (g *Gantry) Lambda() *lambda.Client {
	g.t.Helper()
	key, err := keys(filepath.Join(g.DataDir, "credentials"))
	if err != nil {
		g.t.Fatal(err)
	}
	return lambda.New(lambda.Options{Region: "us-east-1", Credentials: key, BaseEndpoint: aws.String(g.URL)})
}

// Env is the environment with which the aws CLI and boto3 reach it.
func (g *Gantry) Env() []string {
	return []string{
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(g.DataDir, "credentials"), "AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL_LAMBDA=" + g.URL, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// CLI runs a gantry command against it and gives what it printed and its exit code.
func (g *Gantry) CLI(args ...string) (out string, code int) {
	g.t.Helper()
	cmd := exec.Command(Binary(g.t), append(args, "--endpoint", g.URL, "--data-dir", g.DataDir)...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// MustCLI is CLI that must succeed.
func (g *Gantry) MustCLI(args ...string) string {
	g.t.Helper()
	out, code := g.CLI(args...)
	if code != 0 {
		g.t.Fatalf("gantry %v exits with %d:\n%s", args, code, out)
	}
	return out
}

// lockedBuffer takes the log of a process while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	return s[max(0, len(s)-n):]
}
