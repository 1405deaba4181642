// Package awspeer is AWS's side of a call for tests: botocore, AWS's own Python client,
// says with its models, validators, serializers and signer what a request should be. It
// is a program of Python in the kit venv-aws; without the kit a test is skipped.
package awspeer

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"gantry/internal/gantrytest"
)

//go:embed peer.py
var program string

// The credentials it knows.
const (
	Key    = "AKIAIOSFODNN7EXAMPLE"
	Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" //nolint:gosec // AWS's own example
	Token  = "a-session-token"
)

// Comparer compares requests with those of botocore.
type Comparer struct {
	in  io.Writer
	out *bufio.Scanner
}

// Request is one to compare: what was asked for, and what was sent.
type Request struct {
	Service   string            `json:"service"`
	Operation string            `json:"operation"`
	Params    map[string]any    `json:"params"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body"`
}

// Compare starts a comparer that ends with the test.
func Compare(t testing.TB) *Comparer {
	t.Helper()
	in, out := start(t, "compare")
	return &Comparer{in: in, out: out}
}

// Faults says how a request differs from botocore's; none is right.
func (c *Comparer) Faults(t testing.TB, r Request) []string {
	t.Helper()
	return c.ask(t, r)
}

// Endpoint is the URL of a service by AWS's rules.
func (c *Comparer) Endpoint(t testing.TB, service, region string, fips bool) string {
	t.Helper()
	return c.ask(t, map[string]any{"service": service, "region": region, "fips": fips})[0]
}

func (c *Comparer) ask(t testing.TB, v any) []string {
	t.Helper()
	line, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil || !c.out.Scan() {
		t.Fatalf("the comparer gave no answer: %v, %v", err, c.out.Err())
	}
	var faults []string
	if err := json.Unmarshal(c.out.Bytes(), &faults); err != nil {
		t.Fatal(err)
	}
	return faults
}

// Serve starts an endpoint of AWS on loopback, which ends with the test, and gives its URL.
func Serve(t testing.TB) string {
	t.Helper()
	_, out := start(t, "serve")
	if !out.Scan() {
		t.Fatalf("the endpoint did not start: %v", out.Err())
	}
	return "http://127.0.0.1:" + out.Text()
}

// Call is one the endpoint accepted.
type Call struct {
	Service   string         `json:"service"`
	Operation string         `json:"operation"`
	Params    map[string]any `json:"params"`
}

// Seen are the calls the endpoint accepted, in order.
func Seen(t testing.TB, url string) []Call {
	t.Helper()
	resp, err := http.Get(url + "/-/seen") //nolint:gosec // loopback, in a test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var calls []Call
	if err := json.NewDecoder(resp.Body).Decode(&calls); err != nil {
		t.Fatal(err)
	}
	return calls
}

func start(t testing.TB, mode string) (io.Writer, *bufio.Scanner) {
	t.Helper()
	python := gantrytest.Kit(t, "venv-aws", "python")
	cmd := exec.CommandContext(t.Context(), python, "-c", program, mode) //nolint:gosec // our own program
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() && said.Len() > 0 {
			t.Logf("the peer said: %s", said.String())
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	return in, lines
}
