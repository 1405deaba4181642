package attack_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
)

// evilPage tries what a page can send without asking: fetch in each mode, a form, an
// image, a socket. The forms and frames are another tab's work to the browser.
const evilPage = `<!doctype html><title>evil</title><body><script>
const target = %q;
const tries = [
  () => fetch(target + "/t/simple", {method: "POST", mode: "no-cors", body: "{}"}),
  () => fetch(target + "/t/cookies", {method: "POST", mode: "no-cors", credentials: "include", headers: {"Content-Type": "text/plain"}, body: "{}"}),
  () => fetch(target + "/t/cors", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"}),
  () => fetch(target + "/t/delete", {method: "DELETE"}),
  () => fetch(target + "/t/get"),
  () => new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = target + "/t/image"; }),
  () => new Promise(done => { const s = document.createElement("script"); s.onload = s.onerror = done; s.src = target + "/t/script"; document.body.append(s); }),
  () => new Promise(done => { const s = new WebSocket(target.replace("http", "ws") + "/t/socket"); s.onopen = s.onerror = done; }),
  () => new Promise(done => {
    const frame = document.createElement("iframe"); frame.name = "f"; document.body.append(frame);
    const form = document.createElement("form"); form.method = "POST"; form.action = target + "/t/form"; form.target = "f"; form.enctype = "text/plain";
    const field = document.createElement("input"); field.name = '{"x":"'; field.value = '"}'; form.append(field); document.body.append(form);
    frame.onload = done; form.submit(); setTimeout(done, 3000);
  }),
  () => new Promise(done => { navigator.sendBeacon(target + "/t/beacon", "{}"); setTimeout(done, 300); }),
];
(async () => { for (const t of tries) { try { await t(); } catch (e) {} } await fetch("/done", {method: "POST"}); })();
</script>`

// site serves a page and is told when its script has done everything.
func site(t *testing.T, target string) (*httptest.Server, <-chan struct{}) {
	t.Helper()
	done := make(chan struct{})
	finish := sync.OnceFunc(func() { close(done) })
	mux := http.NewServeMux()
	mux.HandleFunc("/done", func(http.ResponseWriter, *http.Request) { finish() })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, evilPage, target)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, done
}

// browse opens a page in Chromium until done.
func browse(t *testing.T, url string, done <-chan struct{}, more ...string) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	profile, err := os.MkdirTemp("", "gantry-chromium-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + profile, "--remote-debugging-port=0",
	}, more...)
	cmd := exec.CommandContext(ctx, program, append(args, url)...)
	cmd.WaitDelay = 5 * time.Second
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("the page did not end")
	}
}

// reached is a door that takes any credentials, as gantry demo's does, and what came
// through it. Nothing but the door stands between a page and a demo.
func reached(t *testing.T) (url string, seen func() []string) {
	t.Helper()
	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	var mu sync.Mutex
	var paths []string
	h, err := door.New(door.Config{Listen: l.Addr().String(), Anonymous: true}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/t/") {
			paths = append(paths, r.URL.Path)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<script>fetch("/t/own",{method:"POST"})</script>`)
	}))
	require.NoError(t, err)
	server := door.Server(h, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), func() []string { mu.Lock(); defer mu.Unlock(); return append([]string{}, paths...) }
}

// TestForeignPages: nothing that a page of another site sends through a real browser
// reaches what is behind the door, also where no signature is asked for.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	target, seen := reached(t)
	evil, done := site(t, target)
	browse(t, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), done)
	require.Empty(t, seen())
	other, done := site(t, target)
	browse(t, other.URL, done) // the same address on another port: another origin, the same site
	require.Empty(t, seen())
}

// TestReboundNames: a page whose own name is made to point at loopback is same-origin to
// the browser; the Host header gives it away.
func TestReboundNames(t *testing.T) {
	t.Parallel()
	target, seen := reached(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(target, "http://"))
	require.NoError(t, err)
	evil, done := site(t, "http://rebound.test:"+port)
	_, own, err := net.SplitHostPort(strings.TrimPrefix(evil.URL, "http://"))
	require.NoError(t, err)
	browse(t, "http://rebound.test:"+own, done, "--host-resolver-rules=MAP rebound.test 127.0.0.1")
	require.Empty(t, seen())
}

// TestWithoutTheDoor shows that the page does reach a server that has no door: the tests
// above would fail.
func TestWithoutTheDoor(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	paths := map[string]bool{}
	open := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths[r.Method+" "+r.URL.Path] = true
	}))
	t.Cleanup(open.Close)
	evil, done := site(t, open.URL)
	browse(t, evil.URL, done)
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"POST /t/simple", "POST /t/cookies", "GET /t/get", "GET /t/image", "POST /t/form", "POST /t/beacon"} {
		require.True(t, paths[want], "%s: %v", want, paths)
	}
}
