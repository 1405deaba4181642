// Package letters_test is dead letters from end to end: given up by a real pipeline to a
// real Kafka and to an AWS API server, found, redriven, and each record counted.
package letters_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// The causes of failure, and what the function says of them. The number differs each time.
var causes = []string{"card", "bank", "unknown"}

var says = map[string]string{
	"card": `{"errorType":"CardError","errorMessage":"the card of order %d is expired"}`, "bank": `{"errorType":"BankError","errorMessage":"the bank did not answer for order %d"}`,
	"unknown": `{"errorType":"KeyError","errorMessage":"order %d is unknown"}`,
}

// order is the value of a record.
type order struct {
	ID    int    `json:"id"`
	Cause string `json:"cause"`
}

// shop is a function behind HTTP that fails for the causes that are not repaired, and
// counts the orders it took.
type shop struct {
	URL string

	mu       sync.Mutex
	repaired map[string]bool
	taken    map[int]int
	headers  map[int]map[string]string // of the last record of an order
	calls    int
}

type event struct {
	Records map[string][]struct {
		Value   string             `json:"value"`
		Headers []map[string][]int `json:"headers"`
	} `json:"records"`
}

func newShop(t *testing.T) *shop {
	s := &shop{repaired: map[string]bool{}, taken: map[int]int{}, headers: map[int]map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *shop) serve(w http.ResponseWriter, r *http.Request) {
	var e event
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var took []int
	for _, records := range e.Records {
		for _, rec := range records {
			text, _ := base64.StdEncoding.DecodeString(rec.Value)
			var o order
			_ = json.Unmarshal(text, &o)
			s.headers[o.ID] = headersOf(rec.Headers)
			if !s.repaired[o.Cause] {
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprintf(w, says[o.Cause], o.ID)
				return
			}
			took = append(took, o.ID)
		}
	}
	for _, id := range took {
		s.taken[id]++
	}
	_, _ = w.Write([]byte("null"))
}

// headersOf gives the values of each header, with | between them where it is there twice.
func headersOf(list []map[string][]int) map[string]string {
	out := map[string]string{}
	for _, h := range list {
		for name, numbers := range h {
			var b []byte
			for _, n := range numbers {
				b = append(b, byte(n))
			}
			if before, twice := out[name]; twice {
				b = append([]byte(before+"|"), b...)
			}
			out[name] = string(b)
		}
	}
	return out
}

func (s *shop) repair(causes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range causes {
		s.repaired[c] = true
	}
}

// counts gives how many orders were taken, and those taken more than once.
func (s *shop) counts() (taken int, twice []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range s.taken {
		taken++
		if n > 1 {
			twice = append(twice, id)
		}
	}
	return taken, twice
}

func (s *shop) headersOf(id int) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[id]
}

// orders writes n orders of all causes, over the partitions of a topic.
func orders(t *testing.T, c *kafkatest.Cluster, topic string, partitions, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		value, err := json.Marshal(order{i, causes[i%len(causes)]})
		require.NoError(t, err)
		records = append(records, &kgo.Record{
			Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "k%d", i), Value: value,
			Headers: []kgo.RecordHeader{{Key: "trace", Value: fmt.Appendf(nil, "t%d", i)}, {Key: "trace", Value: nil}},
		})
	}
	kafkatest.Produce(t, c, records...)
}

// lettersOf waits until a topic of letters has n.
func lettersOf(t *testing.T, c *kafkatest.Cluster, topic string, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return size(t, c, topic) == int64(n) }, 3*time.Minute, 100*time.Millisecond,
		"there are never %d letters on %s", n, topic)
}

func size(t *testing.T, c *kafkatest.Cluster, topic string) (n int64) {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	starts, err := c.Admin(t).ListStartOffsets(t.Context(), topic)
	require.NoError(t, err)
	for p, o := range ends[topic] {
		n += o.Offset - starts[topic][p].Offset
	}
	return n
}

// listed is what deadletters list and search answer.
type listed struct {
	Summary struct {
		Matched int64
		More    bool
		Next    string
		Groups  []struct {
			Error    string
			Letters  int64
			Redriven int64
		}
	}
	Letters []letter
}

type letter struct {
	ID    string
	Error string
	Count int
	Topic string
	First int64
	Last  int64
	State struct {
		State string
		Count int
	}
	Log     string
	Records []struct {
		Key, Value []byte
		Headers    []struct {
			Key   string
			Value []byte
		}
	}
}

func ask[T any](t *testing.T, g *gantrytest.Gantry, words ...string) T {
	t.Helper()
	var out T
	text := g.MustCLI(append(append([]string{"deadletters"}, words...), "-o", "json")...)
	require.NoError(t, json.Unmarshal([]byte(text), &out), text)
	return out
}

// totals are those of a redrive, or of its preview.
type totals struct {
	Token  string
	Totals struct{ Letters, Redriven, Before, Failed, Held, Expired int64 }
}

// redrive redrives with a reason, and may fail where records failed again.
func redrive(t *testing.T, g *gantrytest.Gantry, words ...string) totals {
	t.Helper()
	words = append(append([]string{"deadletters", "redrive"}, words...), "--reason", "repaired", "--yes", "-o", "json")
	text, code := g.CLI(words...)
	var out totals
	require.NoError(t, json.Unmarshal([]byte(text), &out), text)
	require.Equal(t, out.Totals.Failed > 0, code == 1, text)
	return out
}

// values reads what a topic holds that is committed: how often each order is there.
func values(t *testing.T, c *kafkatest.Cluster, topic string) map[int]int {
	t.Helper()
	out := map[int]int{}
	for _, r := range everything(t, c, topic) {
		var o order
		require.NoError(t, json.Unmarshal(r.Value, &o))
		out[o.ID]++
	}
	return out
}

func everything(t *testing.T, c *kafkatest.Cluster, topic string) []*kgo.Record {
	t.Helper()
	ends, err := c.Admin(t).ListCommittedOffsets(t.Context(), topic)
	require.NoError(t, err)
	left := map[int32]int64{}
	for p, o := range ends[topic] {
		if o.Offset > 0 {
			left[p] = o.Offset
		}
	}
	client := c.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var out []*kgo.Record
	for len(left) > 0 {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		for _, r := range fetches.Records() {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		}
	}
	return out
}

func configOf(c *kafkatest.Cluster, s *shop, topic, more string) string {
	return fmt.Sprintf(`
clusters: {c: {brokers: ["%s"]}}
functions: {shop: {http: "%s"}}
mappings:
  orders: {function: shop, cluster: c, topic: %s, startingPosition: TRIM_HORIZON, maximumRetryAttempts: 0, maximumBatchingWindow: 0s, %s}
`, strings.Join(c.Brokers(), `","`), s.URL, topic, more)
}
