package door_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

// wire is a listener without a network, so that a bubble's clock rules its deadlines.
type wire struct {
	conns chan net.Conn
	ended chan struct{}
}

func (w wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.ended:
		return nil, net.ErrClosed
	}
}

func (w wire) Close() error   { return nil }
func (w wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9400} }

func (w wire) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.conns <- theirs
	return ours, nil
}

// bubble runs a test against a door in a synctest bubble.
func bubble(t *testing.T, cfg door.Config, next http.HandlerFunc, test func(*testing.T, *http.Client)) {
	keys := testKeys(t)
	synctest.Test(t, func(t *testing.T) {
		w := wire{make(chan net.Conn), make(chan struct{})}
		cfg.Listen, cfg.Keys = w.Addr().String(), keys
		h, err := door.New(cfg, next)
		require.NoError(t, err)
		server := door.Server(h, quiet())
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(w) }()
		transport := &http.Transport{DialContext: w.dial}
		test(t, &http.Client{Transport: transport})
		transport.CloseIdleConnections()
		close(w.ended)
		<-done
		require.NoError(t, server.Close())
	})
}

// drip is a body that comes byte by byte, one every pause, and never ends.
type drip struct {
	ctx   context.Context
	pause time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.pause):
		return copy(p, "x"), nil
	}
}

// TestSlowBodies: neither a body that stalls nor one that trickles holds a connection
// for longer than the limit.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"stalls": 24 * time.Hour, "trickles": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, door.Config{}, echo, func(t *testing.T, client *http.Client) {
				began := time.Now()
				r := request{}.make(t, "127.0.0.1:9400")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r.Body, r.ContentLength, r.GetBody = io.NopCloser(drip{ctx, pause}), -1, nil
				res, err := client.Do(r)
				require.NoError(t, err)
				body, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				require.Equal(t, http.StatusRequestTimeout, res.StatusCode)
				require.Contains(t, string(body), "5m0s")
				require.InDelta(t, door.DefaultBodyTimeout.Seconds(), time.Since(began).Seconds(), 1)
			})
		})
	}
}

// TestAnswersMayTakeLongerThanBodies: the deadline for the body must not cut an
// invocation, or a log that is followed.
func TestAnswersMayTakeLongerThanBodies(t *testing.T) {
	t.Parallel()
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(15 * time.Minute):
			echo(w, r)
		case <-r.Context().Done():
		}
	}
	bubble(t, door.Config{}, slow, func(t *testing.T, client *http.Client) {
		for _, q := range []request{{body: "x"}, {method: "GET"}} {
			res, err := client.Do(q.make(t, "127.0.0.1:9400"))
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.True(t, strings.Contains(string(body), testID), string(body))
		}
	})
}
