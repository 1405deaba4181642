package trace_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is a receiver of OTLP over HTTP: what it is sent must be protobuf of OTLP's
// own messages.
type collector struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	headers  []http.Header
	paths    []string
	resource map[string]string
	spans    []*tracepb.Span
	answers  []func(http.ResponseWriter) // for the next requests, instead of 200
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, resource: map[string]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Errorf("gzip: %v", err)
			return
		}
		body = unpacked
	}
	raw, err := io.ReadAll(body)
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(raw, &data)
	}
	if err != nil {
		c.t.Errorf("not OTLP: %v", err)
	}
	c.headers, c.paths = append(c.headers, r.Header), append(c.paths, r.URL.Path)
	if len(c.answers) > 0 {
		answer := c.answers[0]
		c.answers = c.answers[1:]
		answer(w)
		return
	}
	for _, rs := range data.GetResourceSpans() {
		for _, a := range rs.GetResource().GetAttributes() {
			c.resource[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, ss := range rs.GetScopeSpans() {
			c.spans = append(c.spans, ss.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// span gives the one span of a name.
func (c *collector) span(name string) *tracepb.Span {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found *tracepb.Span
	for _, s := range c.spans {
		if s.GetName() == name {
			require.Nil(c.t, found, "two spans %s", name)
			found = s
		}
	}
	require.NotNil(c.t, found, "no span %s", name)
	return found
}

func attributes(list []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[a.GetKey()] = v.IntValue
		case *commonpb.AnyValue_ArrayValue:
			var all []string
			for _, one := range v.ArrayValue.GetValues() {
				all = append(all, one.GetStringValue())
			}
			out[a.GetKey()] = all
		}
	}
	return out
}
