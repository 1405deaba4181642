package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/sink"
)

// weighing takes every request, and keeps the most entries and bytes of one, as read from
// the wire.
type weighing struct {
	mu                   sync.Mutex
	entries, bytes, sent int
}

func (w *weighing) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	entries, bytes := weigh(body)
	w.mu.Lock()
	w.entries, w.bytes, w.sent = max(w.entries, entries), max(w.bytes, bytes), w.sent+entries
	w.mu.Unlock()
	var ids, results []any
	xml := "<PublishBatchResponse><PublishBatchResult><Successful>"
	for n := range entries {
		ids, results = append(ids, map[string]any{"Id": fmt.Sprint(n)}), append(results, map[string]any{"EventId": "1", "RecordId": "1"})
		xml += fmt.Sprintf("<member><Id>%d</Id></member>", n)
	}
	answer, err := json.Marshal(map[string]any{"Successful": ids, "Entries": results, "RequestResponses": results, "UnprocessedItems": map[string]any{}})
	if r.Header.Get("X-Amz-Target") == "" {
		answer = []byte(xml + "</Successful></PublishBatchResult></PublishBatchResponse>")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(answer)))}, err
}

// weigh counts the entries of a request and the bytes of their contents.
func weigh(body []byte) (entries, bytes int) {
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		for name, values := range form {
			switch {
			case strings.HasSuffix(name, ".Message"):
				entries++
				bytes += len(values[0])
			case strings.HasSuffix(name, ".Name"), strings.HasSuffix(name, ".DataType"), strings.HasSuffix(name, ".StringValue"):
				bytes += len(values[0])
			}
		}
		return entries, bytes
	}
	var in struct {
		Entries []struct {
			MessageBody, Detail string
			MessageAttributes   map[string]struct{ DataType, StringValue string }
		}
		Records      []struct{ Data []byte }
		RequestItems map[string][]json.RawMessage
	}
	if json.Unmarshal(body, &in) != nil {
		return 0, 0
	}
	for _, e := range in.Entries {
		bytes += len(e.MessageBody) + len(e.Detail)
		for name, a := range e.MessageAttributes {
			bytes += len(name) + len(a.DataType) + len(a.StringValue)
		}
	}
	for _, r := range in.Records {
		bytes += len(r.Data)
	}
	return len(in.Entries) + len(in.Records) + len(in.RequestItems["t"]), bytes
}

// Every other service that takes batches gets them full, and never over its limits; a record that
// is over them alone is refused, and the others are sent.
func TestEveryServiceGetsRequestsWithinItsLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings               sink.Settings
		entries, bytes, record int // record: one that is not taken; 0 = looked at by the service alone
	}{
		"sqs":         {sink.Settings{"queueUrl": "https://sqs.eu-west-2.amazonaws.com/123456789012/q"}, 10, 1 << 20, 1 << 20},
		"sns":         {sink.Settings{"topicArn": "arn:aws:sns:eu-west-2:123456789012:t"}, 10, 256 << 10, 256 << 10},
		"eventbridge": {sink.Settings{"bus": "b"}, 10, 1_000_000, 1_000_000},
		"firehose":    {sink.Settings{"stream": "s"}, 500, 4 << 20, 1_000 << 10},
		"dynamodb":    {sink.Settings{"table": "t", "keys": "id"}, 25, 0, 0}, // 25 items of 400 KB are within 16 MB
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &weighing{}
			deps := sink.Deps{AWS: func(context.Context) (awssdk.Config, error) {
				return awssdk.Config{Region: "eu-west-2", HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, nil
			}}
			s := opened(t, name, c.settings, deps)
			out, err := s.Write(t.Context(), records(1100, 1100))
			require.NoError(t, err)
			require.Empty(t, out.Failed)
			require.Equal(t, []int{c.entries, 1100}, []int{w.entries, w.sent})
			if c.record == 0 {
				return
			}
			list := records(7, 7)
			for i := range list {
				list[i].Value = fmt.Appendf(nil, `{"id":"k%d","pad":%q}`, i, strings.Repeat("x", c.record*2/5))
			}
			list[4].Value = fmt.Appendf(nil, `{"id":"k4","pad":%q}`, strings.Repeat("x", c.record))
			*w = weighing{}
			out, err = s.Write(t.Context(), list)
			require.NoError(t, err)
			require.Len(t, out.Failed, 1)
			require.Equal(t, 4, out.Failed[0].Index)
			require.Equal(t, sink.Refused, sink.CauseOf(out.Failed[0].Err))
			require.Equal(t, 6, w.sent)
			require.LessOrEqual(t, w.bytes, c.bytes)
		})
	}
}

func opened(t *testing.T, name string, s sink.Settings, d sink.Deps) sink.Sink {
	t.Helper()
	for _, sp := range Specs() {
		if sp.Name == name {
			full, err := sp.Prepare(s)
			require.NoError(t, err)
			out, err := sp.New(full, d)
			require.NoError(t, err)
			return out
		}
	}
	t.Fatalf("no integration %s", name)
	return nil
}
