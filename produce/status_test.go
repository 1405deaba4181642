package produce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/produce"
)

// way leads to the one cluster there is.
type way struct{ *kafkatest.Host }

// Resolve implements produce.Clusters.
func (w way) Resolve(_ context.Context, src mapping.Source) (kafka.Cluster, error) {
	if src.Cluster != "onprem" {
		return kafka.Cluster{}, fmt.Errorf("cluster %q is not in the file", src.Cluster)
	}
	return kafka.Cluster{Brokers: w.Brokers(), Dial: w.Dial}, nil
}

// asks sends requests of a function to a cluster of a bubble.
type asks struct {
	t       *testing.T
	fake    *kafkatest.Fake
	handler http.Handler
	right   *function.Produce
	err     error // of looking the right up
}

func newAsks(t *testing.T) *asks {
	a := &asks{t: t, fake: kafkatest.Virtual(t), right: &function.Produce{Cluster: "onprem", Topics: []string{"valid"}}}
	require.NoError(t, a.fake.CreateTopic("valid", 1, nil))
	w := produce.New(produce.Config{Clusters: way{a.fake.NewHost()}})
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	a.handler = w.For("orders", func(context.Context) (*function.Produce, error) { return a.right, a.err })
	return a
}

func (a *asks) send(body io.Reader) (*httptest.ResponseRecorder, answered) {
	rw := httptest.NewRecorder()
	a.handler.ServeHTTP(rw, httptest.NewRequest("POST", "/gantry/v1/topics/valid/records", body))
	var out answered
	require.NoError(a.t, json.Unmarshal(rw.Body.Bytes(), &out), rw.Body.String())
	return rw, out
}

func (a *asks) refused(status int, kind, text string) *httptest.ResponseRecorder {
	a.t.Helper()
	rw, out := a.send(strings.NewReader(`{"records":[{"valueText":"x"}]}`))
	require.Equal(a.t, status, rw.Code, out.Message)
	require.Equal(a.t, kind, out.Type)
	require.Equal(a.t, kind, rw.Header().Get("X-Amzn-Errortype"))
	require.Contains(a.t, out.Message, text)
	return rw
}

// What gantry itself may not write is 502 and says which permission is missing.
func TestTheClusterRefusesGantry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsks(t)
		h := a.fake.FailProduces("valid", -1, kerr.TopicAuthorizationFailed)
		a.refused(502, "ClusterAuthorizationException", "Write on topic valid is not allowed")
		h.Remove()
		rw, _ := a.send(strings.NewReader(`{"records":[{"valueText":"x"}]}`))
		require.Equal(t, 200, rw.Code)
	})
}

// A cluster that is not known, and a store that can't be asked for the right.
func TestNothingCanBeReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsks(t)
		a.right = &function.Produce{Cluster: "gone", Topics: []string{"valid"}}
		rw := a.refused(503, "ClusterException", `reach cluster gone: cluster "gone" is not in the file`)
		require.Equal(t, "1", rw.Header().Get("Retry-After"))
		a.err = io.ErrUnexpectedEOF
		a.refused(503, "ServiceUnavailableException", "find out what function orders may do")
	})
}

// A broker that does not acknowledge in time: the record may be there.
func TestNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := b.fake.Hold(kmsg.Produce)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	rw := httptest.NewRecorder()
	handler := b.writer.For("orders", func(context.Context) (*function.Produce, error) { return b.right, nil })
	handler.ServeHTTP(rw, httptest.NewRequest("POST", "/gantry/v1/topics/valid/records", strings.NewReader(`{"records":[{"valueText":"x"}]}`)).WithContext(ctx))
	require.Equal(t, 504, rw.Code, rw.Body.String())
	require.Contains(t, rw.Body.String(), "TimeoutException")
	require.Contains(t, rw.Body.String(), "it may be written all the same")
}

// What two requests hold keeps a third waiting, and then out. Their bodies never end.
func TestTooMuchIsOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsks(t)
		body, end := io.Pipe()
		over := make(chan int, 2)
		for range 2 {
			go func() { rw, _ := a.send(body); over <- rw.Code }() // of unknown length: it may be the longest
		}
		synctest.Wait()
		rw := httptest.NewRecorder()
		a.handler.ServeHTTP(rw, httptest.NewRequest("POST", "/gantry/v1/topics/valid/records", &struct{ io.Reader }{strings.NewReader("{}")}))
		require.Equal(t, 429, rw.Code, rw.Body.String())
		require.Equal(t, "1", rw.Header().Get("Retry-After"))
		require.Contains(t, rw.Body.String(), "TooManyRequestsException")
		require.NoError(t, end.CloseWithError(io.ErrUnexpectedEOF))
		require.Equal(t, []int{400, 400}, []int{<-over, <-over})
		answer, _ := a.send(strings.NewReader(`{"records":[{"valueText":"x"}]}`))
		require.Equal(t, 200, answer.Code, "what they held is free again")
	})
}
