package integrations_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// cloudOf is an AWS API server of one test.
type cloudOf struct {
	t   *testing.T
	URL string
}

func startAWS(t *testing.T) *cloudOf {
	t.Helper()
	program := gantrytest.Kit(t, "venv-ministack", "ministack")
	port := gantrytest.FreePort(t)
	w := &cloudOf{t, fmt.Sprintf("http://127.0.0.1:%d", port)}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", fmt.Sprintf("GATEWAY_PORT=%d", port), "MINISTACK_REGION=us-east-1",
		"MINISTACK_ACCOUNT_ID=123456789012", "LAMBDA_EXECUTOR=local", "STATE_DIR="+t.TempDir())
	cmd.Dir = t.TempDir()
	log, err := os.Create(filepath.Join(t.TempDir(), "ministack.log"))
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if body, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("AWS server: %s", body[max(0, len(body)-8000):])
		}
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get(w.URL + "/_ministack/health")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	return w
}

// env is what makes AWS's clients talk to it.
func (w *cloudOf) env() []string {
	return []string{"AWS_ENDPOINT_URL=" + w.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER="}
}

// cli runs the aws CLI.
func (w *cloudOf) cli(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), gantrytest.Kit(w.t, "venv-aws", "aws"), append([]string{"--endpoint-url", w.URL}, args...)...)
	cmd.Env = append(os.Environ(), w.env()...)
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if failed, ok := err.(*exec.ExitError); ok { //nolint:errorlint // of Output itself
			said = failed.Stderr
		}
		w.t.Fatalf("aws %s: %v\n%s%s", strings.Join(args, " "), err, out, said)
	}
	return strings.TrimSpace(string(out))
}

// faulty stands before a server: of every so many writes one is told to slow down, one
// breaks off after it was carried out.
type faulty struct {
	URL    string
	faults atomic.Int64
}

func standBefore(t *testing.T, server string, every int64) *faulty {
	t.Helper()
	to, err := url.Parse(server)
	require.NoError(t, err)
	f := &faulty{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}, ErrorLog: log.New(io.Discard, "", 0)} // the server is away for a while
	var writes atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			proxy.ServeHTTP(w, r)
			return
		}
		switch writes.Add(1) % every {
		case 1:
			f.faults.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"))
		case 2:
			f.faults.Add(1)
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	f.URL = s.URL
	return f
}
