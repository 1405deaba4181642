package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// consumers are functions behind HTTP, told apart by their path. What they answered counts,
// whatever becomes of gantry.
type consumers struct {
	pause map[string]time.Duration

	mu    sync.Mutex
	given map[string][]int64 // function → offsets of partition 0 it has answered for, in order
}

func (c *consumers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct {
		Records map[string][]struct{ Offset int64 }
	}
	if json.NewDecoder(r.Body).Decode(&event) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	name := r.URL.Path[1:]
	select {
	case <-time.After(c.pause[name]):
	case <-r.Context().Done(): // gantry is gone
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, records := range event.Records {
		for _, rec := range records {
			c.given[name] = append(c.given[name], rec.Offset)
		}
	}
	fmt.Fprint(w, "{}")
}

func (c *consumers) of(name string) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.given[name])
}

// slowest is the offset up to which the slow function has answered for everything it wants.
func (c *consumers) slowest(name string, wants func(int64) bool) int64 {
	got := c.of(name)
	at := int64(0)
	for ; !wants(at) || slices.Contains(got, at); at++ {
		if at > most {
			break
		}
	}
	return at
}

// most is how many records the test has.
const most = 600

// Service 1 becomes 1.1, 1.2 and 1.3: one group, three functions with filters. gantry is
// killed in the middle. Every function gets the records its filters keep and no others, in
// order; nothing is committed past what the slowest has not answered for; the group gets to
// the end.
func TestOneGroupFeedsThreeFunctions(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	fns := &consumers{given: map[string][]int64{}, pause: map[string]time.Duration{"slow": 40 * time.Millisecond}}
	server := httptest.NewServer(fns)
	t.Cleanup(server.Close)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	wants := map[string]func(int64) bool{
		"every": func(int64) bool { return true },
		"slow":  func(o int64) bool { return o%3 == 0 },
		"eu":    func(o int64) bool { return o%2 == 1 },
	}
	config := fmt.Sprintf(`
clusters: {main: {brokers: [%q]}}
functions:
  every: {http: "%s/every", timeout: 20s}
  slow: {http: "%s/slow", timeout: 20s}
  eu: {http: "%s/eu", timeout: 20s}
mappings:
  orders:
    cluster: main
    topic: %s
    startingPosition: TRIM_HORIZON
    batchSize: 5
    maximumBatchingWindow: 0s
    sessionTimeout: 10s
    functions:
      - name: every
      - {name: slow, filters: [{value: {third: [true]}}]}
      - {name: eu, filters: [{value: {region: [EU]}}]}
`, c.Brokers()[0], server.URL, server.URL, server.URL, topic)
	g := gantrytest.Start(t, gantrytest.Options{Config: config})
	var records []*kgo.Record
	for i := range most {
		region := []string{"US", "EU"}[i%2]
		records = append(records, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, `{"n":%d,"third":%v,"region":%q}`, i, i%3 == 0, region)})
	}
	kafkatest.Produce(t, c, records...)
	committed := func() int64 {
		at := c.Committed(t, "gantry.orders", topic)[0]
		require.LessOrEqual(t, at, fns.slowest("slow", wants["slow"]), "a commit lies behind what the slowest has answered for")
		return at
	}
	require.Eventually(t, func() bool { return committed() > 60 }, time.Minute, 20*time.Millisecond, "nothing is committed")
	g.Kill()
	require.Less(t, committed(), int64(most), "it was killed too late")
	require.Greater(t, len(fns.of("every")), len(fns.of("slow")))
	g.Up()
	require.Eventually(t, func() bool { return committed() == most }, 2*time.Minute, 20*time.Millisecond, "the group does not get to the end")
	for name, wanted := range wants {
		got := fns.of(name)
		var want []int64
		for o := range int64(most) {
			if wanted(o) {
				want = append(want, o)
			}
		}
		first := map[int64]bool{}
		once := slices.DeleteFunc(slices.Clone(got), func(o int64) bool { was := first[o]; first[o] = true; return was })
		require.Equal(t, want, once, "%s: each record that its filters keep, in order, and no other", name)
		t.Logf("%s: %d records, %d of them again after the kill", name, len(want), len(got)-len(want))
	}
}
