package door_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

func TestAnonymousTakesAnyCredentials(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{Anonymous: true}, echo)
	for name, tc := range map[string]struct {
		request
		actor string
	}{
		"any key":          {request{id: "whoever", secret: "x"}, "whoever"},
		"none":             {request{after: func(r *http.Request) { r.Header.Del("Authorization") }}, "anonymous"},
		"expired":          {request{at: time.Unix(0, 0)}, testID},
		"nonsense":         {request{after: func(r *http.Request) { r.Header.Set("Authorization", "Credential=") }}, "anonymous"},
		"a name in a line": {request{after: func(r *http.Request) { r.Header.Set("Authorization", `Credential=a"b/c`) }}, "anonymous"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.body = "b"
			got := send(t, tc.make(t, address))
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, tc.actor, got.seen.Actor)
			require.Equal(t, "b", got.seen.Body)
		})
	}
	got := send(t, request{after: func(r *http.Request) { r.Host = "evil.example" }}.make(t, address))
	require.Equal(t, http.StatusForbidden, got.status, "the host is checked all the same")
}

func TestNamesAndOwnPages(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{Names: []string{"gantry.test", "proxy.test:443"}}, echo)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	for _, host := range []string{"localhost:" + port, "LocalHost:" + port, "[::1]:" + port, "gantry.test:" + port, "proxy.test", "proxy.test:443"} {
		r := request{}.make(t, address)
		r.Host = host
		got := send(t, r)
		require.Equal(t, "InvalidSignatureException", got.kind, "%s passes the host check; the signature names another", host)
	}
	for name, value := range map[string]string{"Origin": "http://" + address, "Sec-Fetch-Site": "same-origin"} {
		got := send(t, request{after: func(r *http.Request) { r.Header.Set(name, value) }}.make(t, address))
		require.Equal(t, http.StatusOK, got.status, name)
	}
}

func TestOpenRoutesNeedNoSignature(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{Open: []string{"/healthz", "/console/"}}, echo)
	for _, path := range []string{"/healthz", "/console/", "/console/app.js"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		require.NoError(t, err)
		got := send(t, r)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "anonymous", got.seen.Actor)
	}
}

// lockedBuffer is a log that a test may read while handlers write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestPanics(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	address := listen(t, door.Config{Log: slog.New(slog.NewJSONHandler(&log, nil))}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			panic("boom-42")
		case "/own-id":
			w.Header().Set("X-Amzn-RequestId", "own")
			panic(errors.New("boom-42"))
		case "/late":
			_, _ = io.WriteString(w, "half an ans")
			_ = http.NewResponseController(w).Flush()
			panic("boom-42")
		}
	})
	got := send(t, request{path: "/early"}.make(t, address))
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.Equal(t, "ServiceException", got.kind)
	id := got.header.Get("x-amzn-RequestId")
	require.Contains(t, got.message, id)
	require.NotContains(t, got.message, "boom-42")
	require.Equal(t, 1, strings.Count(log.String(), `"panic":"boom-42"`), "logged once")
	require.Contains(t, log.String(), id)
	require.Contains(t, log.String(), "behaviour_test.go", "with the place")

	got = send(t, request{path: "/own-id"}.make(t, address))
	require.Contains(t, got.message, "own", "the id the client sees is the one in the log")
	require.Contains(t, log.String(), `"requestId":"own"`)

	res, err := http.DefaultClient.Do(request{path: "/late"}.make(t, address))
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	_, err = io.ReadAll(res.Body)
	require.Error(t, err, "an answer that is not whole does not look whole")
}

func TestRefusalsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	address := listen(t, door.Config{Log: slog.New(slog.NewJSONHandler(&log, nil))}, echo)
	got := send(t, request{body: "payload", secret: "another-secret-another-secret"}.make(t, address))
	for _, text := range []string{"request refused", "InvalidSignatureException", got.header.Get("x-amzn-RequestId"), "127.0.0.1"} {
		require.Contains(t, log.String(), text)
	}
	require.NotContains(t, log.String(), "payload")
	require.NotContains(t, log.String(), testSecret)
}

func TestFaultsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	_, err := door.New(door.Config{Listen: "10.0.0.1:9400", Anonymous: true, Names: []string{"http://x"}}, nil)
	require.ErrorContains(t, err, "on loopback only")
	require.ErrorContains(t, err, `"http://x"`)
	_, err = door.New(door.Config{Listen: "127.0.0.1:9400"}, nil)
	require.ErrorContains(t, err, "no key")
	_, err = door.New(door.Config{Listen: "nowhere"}, nil)
	require.ErrorContains(t, err, "IP:PORT")
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"example.test:9400", "9400"} {
		_, err := door.Listen(t.Context(), door.Place{Address: address, Keys: true})
		require.ErrorContains(t, err, "listen on", address)
	}
	l, err := door.Listen(t.Context(), door.Place{Address: "localhost:0"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, err = door.Listen(t.Context(), door.Place{Address: l.Addr().String()})
	require.ErrorContains(t, err, "--listen")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
