package trip_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/network/trip"
)

// post sends a payload and gives the trip, for the test to ask.
func post(t *testing.T, ctx context.Context, transport *trip.Transport, url string, payload []byte) (*trip.Trip, string, error) {
	t.Helper()
	ctx, journey := trip.Start(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, journey.Payload(payload))
	require.NoError(t, err)
	req.ContentLength = int64(len(payload))
	resp, err := transport.RoundTrip(req)
	if err != nil {
		journey.Wait()
		return journey, "", err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	journey.Wait()
	return journey, string(body), err
}

func echo() fakelambda.Step {
	return fakelambda.Run(func(event []byte) ([]byte, error) { return event, nil })
}

func TestWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step    fakelambda.Step
		written bool
		answer  string
	}{
		"answered":        {echo(), true, "{}"},
		"cut after a run": {fakelambda.CutAfterRun(), true, ""},
		"cut unread":      {fakelambda.CutUnread(), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakelambda.Start(t, c.step)
			journey, answer, err := post(t, t.Context(), trip.New(&http.Transport{}, trip.Config{}), fake.URL, []byte("{}"))
			require.Equal(t, c.answer == "", err != nil)
			require.Equal(t, c.answer, answer)
			require.Equal(t, c.written, journey.Written())
		})
	}
}

func TestARefusedConnectionIsNotWritten(t *testing.T) {
	t.Parallel()
	journey, _, err := post(t, t.Context(), trip.New(&http.Transport{}, trip.Config{}), "http://127.0.0.1:1", []byte("{}"))
	require.Error(t, err)
	require.False(t, journey.Written())
}

func TestRequestsOfOthersUnderTheSameContextDoNotCount(t *testing.T) {
	t.Parallel()
	others := fakelambda.Start(t, echo())
	ctx, journey := trip.Start(t.Context())
	credentials, err := http.NewRequestWithContext(ctx, http.MethodPost, others.URL, bytes.NewReader([]byte("{}")))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(credentials)
	require.NoError(t, err)
	resp.Body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:1", bytes.NewReader([]byte("{}")))
	require.NoError(t, err)
	_, err = trip.New(&http.Transport{}, trip.Config{}).RoundTrip(req) //nolint:bodyclose // there is an error and no answer
	require.Error(t, err)
	journey.Wait()
	require.False(t, journey.Written())
}

// A kept connection has carried bytes of earlier requests: they must not count.
func TestAKeptConnectionCountsEachRequestAlone(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, echo())
	transport := trip.New(&http.Transport{}, trip.Config{})
	for range 3 {
		journey, answer, err := post(t, t.Context(), transport, fake.URL, []byte(`{"a":1}`))
		require.NoError(t, err)
		require.Equal(t, `{"a":1}`, answer)
		require.True(t, journey.Written())
	}
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	journey, _, err := post(t, cut, transport, fake.URL, []byte("{}"))
	require.Error(t, err)
	require.False(t, journey.Written())
}

// The connection is there and takes no byte: net/http does not try another, and nothing
// was written although the connection has carried a request before.
func TestAKeptConnectionThatTakesNothing(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, echo())
	var broken atomic.Bool
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &failing{Conn: c, broken: &broken}, err
	}
	transport := trip.New(&http.Transport{}, trip.Config{Dial: dial})
	_, _, err := post(t, t.Context(), transport, fake.URL, []byte("{}"))
	require.NoError(t, err)
	broken.Store(true)
	journey, _, err := post(t, t.Context(), transport, fake.URL, []byte("{}"))
	require.Error(t, err)
	require.False(t, journey.Written())
	require.Len(t, fake.Calls(), 1)
}

type failing struct {
	net.Conn
	broken *atomic.Bool
}

func (c *failing) Write(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func TestAPayloadIsOneWrite(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int64{
		100:     1, // with the headers
		4 << 10: 2, // the headers, and the payload at once
		3 << 20: 2,
	} {
		fake := fakelambda.Start(t, echo())
		var writes atomic.Int64
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &counting{Conn: c, writes: &writes}, err
		}
		payload := bytes.Repeat([]byte("x"), size)
		_, answer, err := post(t, t.Context(), trip.New(&http.Transport{}, trip.Config{Dial: dial}), fake.URL, payload)
		require.NoError(t, err)
		require.Len(t, answer, size)
		require.Equal(t, want, writes.Load(), "%d bytes", size)
	}
}

type counting struct {
	net.Conn
	writes *atomic.Int64
}

func (c *counting) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// The race detector watches the payload here: it is overwritten as soon as Wait says
// that it may be, while the server still has not read it.
func TestWaitFreesThePayload(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, fakelambda.EarlyAnswer(500), fakelambda.HangUnread())
	transport := trip.New(&http.Transport{}, trip.Config{})
	payload := make([]byte, 16<<20)
	_, _, err := post(t, t.Context(), transport, fake.URL, payload)
	require.NoError(t, err)
	clear(payload)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	journey, _, err := post(t, ctx, transport, fake.URL, payload)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, journey.Written())
	clear(payload)
}

func TestCuts(t *testing.T) {
	t.Parallel()
	type call struct {
		after    time.Duration
		answered bool
		reported bool
	}
	lost := func(d time.Duration, reported bool) call { return call{d, false, reported} }
	for name, calls := range map[string][]call{
		"three alike":                   {lost(60*time.Second, false), lost(60500*time.Millisecond, false), lost(59*time.Second, true), lost(60*time.Second, true)},
		"different times":               {lost(60*time.Second, false), lost(20*time.Second, false), lost(60*time.Second, false), lost(61*time.Second, false)},
		"dying at once":                 {lost(time.Second, false), lost(time.Second, false), lost(time.Second, false)},
		"a quick answer between":        {lost(60*time.Second, false), {time.Second, true, false}, lost(60*time.Second, false), lost(60*time.Second, true)},
		"an answer that took as long":   {lost(60*time.Second, false), lost(60*time.Second, false), {61 * time.Second, true, false}, lost(60*time.Second, false)},
		"five percent of a long time":   {lost(350*time.Second, false), lost(360*time.Second, false), lost(340*time.Second, true)},
		"a new time after the old ones": {lost(9*time.Second, false), lost(9*time.Second, false), lost(30*time.Second, false), lost(30*time.Second, false), lost(30*time.Second, true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cuts trip.Cuts
			for i, c := range calls {
				if c.answered {
					cuts.Answered(c.after)
					continue
				}
				require.Equal(t, c.reported, cuts.Lost(c.after) != "", "call %d", i)
			}
		})
	}
}
