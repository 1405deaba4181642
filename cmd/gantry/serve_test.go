package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
)

// gantry is a `gantry serve` inside the test, with its configuration.
type gantry struct {
	t      *testing.T
	config string
	dir    string
	url    string
	stop   context.CancelFunc
	code   chan int
}

func serving(t *testing.T, config, dir string) *gantry {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g := &gantry{t: t, config: config, dir: dir, stop: cancel, code: make(chan int, 1)}
	said := &listening{address: make(chan string, 1), t: t}
	go func() {
		g.code <- run(ctx, []string{"serve", "-c", config, "--data-dir", dir, "--listen", "127.0.0.1:0"}, streams{strings.NewReader(""), io.Discard, said})
	}()
	select {
	case g.url = <-said.address:
	case code := <-g.code:
		t.Fatalf("serve ended with %d before it served", code)
	}
	t.Cleanup(cancel)
	return g
}

// listening waits for the address in the greeting.
type listening struct {
	t       *testing.T
	mu      sync.Mutex
	all     bytes.Buffer
	told    bool
	address chan string
}

var greeted = regexp.MustCompile(`serves on (http://\S+)\n`)

// Write implements io.Writer.
func (l *listening) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Write(p)
	if at := greeted.FindSubmatch(l.all.Bytes()); at != nil && !l.told {
		l.told = true
		l.address <- string(at[1])
	}
	return len(p), nil
}

// command runs another command of gantry against it.
func (g *gantry) command(line ...string) (code int, said string) {
	var out bytes.Buffer
	line = append(line, "--endpoint", g.url, "--data-dir", g.dir)
	code = run(g.t.Context(), line, streams{strings.NewReader(""), &out, &out})
	return code, out.String()
}

func (g *gantry) must(line ...string) string {
	g.t.Helper()
	code, said := g.command(line...)
	require.Zero(g.t, code, "%v: %s", line, said)
	return said
}

// TestServeStopsInOrder: what is in flight when gantry is told to stop ends and is
// committed, the API answers meanwhile, streams hold nothing up, and the data directory
// is free afterwards.
func TestServeStopsInOrder(t *testing.T) {
	t.Parallel()
	fake := kafkatest.Local(t)
	require.NoError(t, fake.CreateTopic("orders", 1, nil))
	entered, release := make(chan struct{}, 10), make(chan struct{})
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		entered <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(function.Close)
	end := sync.OnceFunc(func() { close(release) })
	t.Cleanup(end)
	config := write(t, fmt.Sprintf(`
clusters: { here: { brokers: [%q] } }
functions: { f: { http: %q, timeout: 2m, environment: { TOKEN: geheim } } }
mappings:
  orders-to-f: { function: f, cluster: here, topic: orders, startingPosition: TRIM_HORIZON, maximumBatchingWindow: 1s, maximumRecordAge: 10m }
`, fake.Brokers()[0], function.URL))
	g := serving(t, config, filepath.Join(t.TempDir(), "data"))

	g.must("produce", "orders", "one", "two", "--cluster", "here")
	<-entered
	shown := g.must("describe", "mapping", "orders-to-f")
	for _, want := range []string{"maximumBatchingWindow:", " 1s", "maximumRecordAge:", " 10m0s", "orders-0", "gantry.orders-to-f"} {
		require.Contains(t, shown, want)
	}
	shown = g.must("describe", "function", "f")
	for _, want := range []string{" 2m0s", `"TOKEN":"(hidden)"`, function.URL} {
		require.Contains(t, shown, want)
	}
	require.Contains(t, g.must("get", "functions"), function.URL)

	tailed := make(chan string, 1)
	go func() {
		_, said := g.command("tail", "orders-to-f")
		tailed <- said
	}()
	resp, err := http.Get(g.url + "/readyz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	g.stop()
	<-tailed // a stream ends at once
	require.Contains(t, g.must("status"), "orders-to-f", "the API answers while a batch is in flight")
	require.Zero(t, fake.Committed("gantry.orders-to-f", "orders")[0], "the batch is in flight")
	require.Empty(t, g.code, "it does not end before the function has")
	end()
	require.Zero(t, <-g.code)
	require.Equal(t, map[int32]int64{0: 2}, fake.Committed("gantry.orders-to-f", "orders"), "what ended was committed")

	again := serving(t, config, g.dir)
	again.must("wait", "orders-to-f", "--settled")
	again.stop()
	require.Zero(t, <-again.code)
	require.Empty(t, entered, "nothing ran twice")
}

// TestTwoGantriesDoNotShareADataDirectory: the second says so and leaves the first alone.
func TestTwoGantriesDoNotShareADataDirectory(t *testing.T) {
	t.Parallel()
	config := write(t, "clusters: { here: { embedded: true } }\n")
	g := serving(t, config, filepath.Join(t.TempDir(), "data"))
	var out bytes.Buffer
	code := run(t.Context(), []string{"serve", "-c", config, "--data-dir", g.dir, "--listen", "127.0.0.1:0"}, streams{strings.NewReader(""), &out, &out})
	require.Equal(t, 1, code)
	require.Contains(t, out.String(), "in use")
	require.Contains(t, g.must("status"), "no mappings yet")
	g.stop()
	require.Zero(t, <-g.code)
}
