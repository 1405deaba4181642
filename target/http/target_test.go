package http_test

import (
	"context"
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"gantry/function"
	"gantry/internal/fakelambda"
	"gantry/mapping"
	"gantry/target/http"
)

func open(t *testing.T, url string, c http.Config) *http.Target {
	t.Helper()
	target, err := http.New(url, c)
	require.NoError(t, err)
	t.Cleanup(target.Close)
	return target
}

func event() function.Invocation { return function.Invocation{Payload: []byte(`{"records":{}}`)} }

// The table of design: every status has its class.
func TestStatuses(t *testing.T) {
	t.Parallel()
	named := map[int]function.Class{
		401: function.Misconfigured, 403: function.Misconfigured, 404: function.Misconfigured,
		413: function.TooLarge, 429: function.NotReached, 503: function.NotReached,
		502: function.Unknown, 504: function.Unknown,
	}
	fake := fakelambda.Start(t)
	target := open(t, fake.URL, http.Config{})
	for status := 200; status < 600; status++ {
		want, ok := named[status]
		switch {
		case ok:
		case status < 300:
			want = function.Succeeded
		case status < 400:
			want = function.Misconfigured
		default:
			want = function.Failed
		}
		fake.Do(func(e *fakelambda.Exchange) {
			e.Read()
			e.Raw(fmt.Sprintf("HTTP/1.1 %d \r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status))
		})
		out := target.Invoke(t.Context(), event())
		require.Equal(t, want, out.Class, "%d: %s", status, out.Message)
		require.Equal(t, status, out.StatusCode)
		require.Equal(t, want == function.Misconfigured, out.Problem == mapping.ProblemFunction, "%d", status)
	}
}

func TestWhatTheFunctionReceives(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, fakelambda.Answer("{}"))
	target := open(t, strings.Replace(fake.URL, "http://", "http://ann:pa55@", 1)+"/invoke?code=k3y", http.Config{})
	in := event()
	in.RequestID, in.TraceID, in.ClientContext = "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "Root=1-5e-1", "e30="
	out := target.Invoke(t.Context(), in)
	require.Equal(t, function.Succeeded, out.Class, out.Message)
	call := fake.Calls()[0]
	require.Equal(t, `{"records":{}}`, string(call.Payload))
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Amzn-Requestid": in.RequestID, "X-Amzn-Trace-Id": in.TraceID,
		"X-Amz-Client-Context": in.ClientContext, "Authorization": "Basic YW5uOnBhNTU=", "Accept-Encoding": "",
		"Idempotency-Key": "", "X-Idempotency-Key": "",
	} {
		require.Equal(t, want, call.Header.Get(name), name)
	}
	fake.Do(fakelambda.Fail("Error", "no"))
	out = target.Invoke(t.Context(), in)
	require.Contains(t, out.Message, "/invoke")
	for _, secret := range []string{"pa55", "k3y", "records"} {
		require.NotContains(t, out.Message, secret)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := fakelambda.Start(t)
		fake := fakelambda.Start(t, fakelambda.Redirect(status, elsewhere.URL))
		out := open(t, fake.URL, http.Config{}).Invoke(t.Context(), event())
		require.Equal(t, function.Misconfigured, out.Class, out.Message)
		require.Empty(t, elsewhere.Calls())
	}
}

// A server that dies with a kept connection in the client's pool has the request or has
// not; either way it gets it once.
func TestAStaleConnectionIsNotRetried(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]fakelambda.Step{"unread": fakelambda.CutUnread(), "after a run": fakelambda.CutAfterRun()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakelambda.Start(t, fakelambda.Answer("1"), cut, fakelambda.Answer("2"))
			target := open(t, fake.URL, http.Config{})
			require.Equal(t, "1", string(target.Invoke(t.Context(), event()).Answer))
			require.Equal(t, function.Unknown, target.Invoke(t.Context(), event()).Class)
			require.Len(t, fake.Calls(), 2)
			require.Equal(t, "2", string(target.Invoke(t.Context(), event()).Answer))
		})
	}
}

func TestLyingAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step   fakelambda.Step
		want   function.Class
		answer string
	}{
		"more than announced":            {fakelambda.Overlong(`{"a":1}{"b":2}`, 7), function.Succeeded, `{"a":1}`},
		"not HTTP":                       {fakelambda.Garbage(), function.Unknown, ""},
		"an error that is no document":   {fakelambda.Proxy(500), function.Failed, ""},
		"an error that is a document":    {fakelambda.Fail("E", "x"), function.Failed, `{"errorMessage":"x","errorType":"E"}`},
		"a success without a body (204)": {rawStatus("204 No Content"), function.Succeeded, "null"},
		"announces more than the limit":  {fakelambda.Overlong("{}", 1<<40), function.Failed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := open(t, fakelambda.Start(t, c.step).URL, http.Config{}).Invoke(t.Context(), event())
			require.Equal(t, c.want, out.Class, out.Message)
			if name == "an error that is a document" {
				require.Contains(t, out.Message, ": E: x")
			}
			if c.answer != "" {
				require.Equal(t, c.answer, string(out.Answer))
			}
		})
	}
}

func rawStatus(status string) fakelambda.Step {
	return func(e *fakelambda.Exchange) {
		e.Read()
		e.Raw("HTTP/1.1 " + status + "\r\n\r\n")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "": 0, "soon": 0, "-3": 0, "99999999999": 24 * time.Hour,
		"Mon, 01 Jan 2001 00:00:00 GMT": 0,
	} {
		fake := fakelambda.Start(t, func(e *fakelambda.Exchange) {
			e.Read()
			e.Raw("HTTP/1.1 429 Too Many Requests\r\nRetry-After: " + value + "\r\nContent-Length: 0\r\n\r\n")
		})
		out := open(t, fake.URL, http.Config{}).Invoke(t.Context(), event())
		require.True(t, out.Throttled)
		require.Equal(t, want, out.RetryAfter, "%q", value)
	}
}

func TestAnUntrustedServerIsNotReached(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nethttp.HandlerFunc(func(nethttp.ResponseWriter, *nethttp.Request) {
		t.Error("the event was sent to a server nobody trusts")
	}))
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	out := open(t, server.URL, http.Config{}).Invoke(t.Context(), event())
	require.Equal(t, function.NotReached, out.Class, out.Message)
	require.Contains(t, out.Message, "certificate")
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/cut" {
			panic(nethttp.ErrAbortHandler)
		}
		fmt.Fprint(w, r.ContentLength, " ", r.Proto)
	}))
	t.Cleanup(server.Close)
	config := http.Config{TLS: server.Client().Transport.(*nethttp.Transport).TLSClientConfig}
	out := open(t, server.URL, config).Invoke(t.Context(), event())
	require.Equal(t, "14 HTTP/1.1", string(out.Answer), out.Message)
	out = open(t, server.URL+"/cut", config).Invoke(t.Context(), event())
	require.Equal(t, function.Unknown, out.Class, out.Message)
}

// A firewall cuts after 60 s; the third such call names it. Then gantry's own timeout,
// which always takes as long, is not mistaken for one.
func TestAProbableIdleTimeoutIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var net kfake.VirtualNetwork
		l, err := net.Listen("tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		fake := fakelambda.On(l, fakelambda.CutAfter(time.Minute))
		target, err := http.New("http://127.0.0.1:8080", http.Config{Timeout: 5 * time.Minute, Dial: net.DialContext})
		require.NoError(t, err)
		for call := 1; call <= 4; call++ {
			out := target.Invoke(t.Context(), event())
			require.Equal(t, function.Unknown, out.Class, out.Message)
			require.Equal(t, time.Minute, out.Elapsed)
			require.Equal(t, call >= 3, strings.Contains(out.Message, "idle timeout"), "call %d: %s", call, out.Message)
		}
		fake.Do(fakelambda.Hang())
		for range 4 {
			out := target.Invoke(t.Context(), event())
			require.Equal(t, function.Unknown, out.Class)
			require.Equal(t, 5*time.Minute+5*time.Second, out.Elapsed, "the timeout and its margin")
			require.NotContains(t, out.Message, "idle timeout")
		}
		target.Close()
		fake.Close()
		synctest.Wait()
	})
}

func TestAllFaultsOfATargetAtOnce(t *testing.T) {
	t.Parallel()
	_, err := http.New("ftp://h/x?key=s3cret", http.Config{Timeout: -1, Margin: -1, Idle: -1, Conns: -1})
	for _, want := range []string{"ftp://h/x", "timeout", "margin", "idle", "conns"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "s3cret")
	_, err = http.New("http://ann:pa55@[::1", http.Config{})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "pa55")
}

func BenchmarkInvoke(b *testing.B) {
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		buffer := make([]byte, 64<<10)
		for {
			if _, err := r.Body.Read(buffer); err != nil {
				return
			}
		}
	}))
	b.Cleanup(server.Close)
	target, err := http.New(server.URL, http.Config{})
	require.NoError(b, err)
	for _, size := range []int{1 << 10, 140 << 10, 1400 << 10} {
		in := function.Invocation{Payload: make([]byte, size)}
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if out := target.Invoke(context.Background(), in); out.Class != function.Succeeded {
					b.Fatal(out.Message)
				}
			}
		})
	}
}
