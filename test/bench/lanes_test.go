package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// The load of the lanes: one partition, keys of which none has a large share.
const (
	laneRecords = 120_000
	laneKeys    = 10_007
	laneRounds  = 3
	laneTakes   = 5 * time.Millisecond
)

// Lanes: one partition, batches of 10, a function that takes 5 ms, a deep backlog. The
// function holds every event against the order per key and notes when it answered.
func TestLanes(t *testing.T) {
	c := cluster(t)
	c.CreateTopic(t, "lanes", 1, nil)
	fillKeys(t, c, "lanes")
	rates, cpu := map[int][]float64{}, map[int][]float64{}
	for round := range laneRounds + 1 {
		for _, lanes := range []int{1, 4, 16} {
			u := measureLanes(t, c, lanes, round)
			t.Logf("round %d, %2d lanes: %6.0f records/s, %.0f µs of CPU an invocation", round, lanes, u.Rate, u.CPU.Seconds()*1e6)
			if round > 0 {
				rates[lanes], cpu[lanes] = append(rates[lanes], u.Rate), append(cpu[lanes], u.CPU.Seconds()*1e6)
			}
		}
	}
	lines := []string{"| lanes | records/s | times one lane | CPU µs an invocation |", "| --- | --- | --- | --- |"}
	middle := func(of map[int][]float64, lanes int) float64 {
		slices.Sort(of[lanes])
		return of[lanes][laneRounds/2]
	}
	times := func(lanes int) float64 { return middle(rates, lanes) / middle(rates, 1) }
	for _, lanes := range []int{1, 4, 16} {
		lines = append(lines, fmt.Sprintf("| %d | %.0f | %.1f | %.0f |", lanes, middle(rates, lanes), times(lanes), middle(cpu, lanes)))
	}
	report(t, "Lanes: one partition, order per key, batches of 10, 5 ms an invocation", lines)
	require.GreaterOrEqual(t, times(16), 12.0)
}

func fillKeys(t *testing.T, c *kafkatest.Cluster, topic string) {
	cl := c.Client(t)
	for i := range laneRecords {
		cl.Produce(context.Background(), &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "customer-%d", i%laneKeys), Value: fmt.Appendf(nil, `{"n":%d}`, i)}, nil)
	}
	require.NoError(t, cl.Flush(context.Background()))
}

// keeper is the function: it takes its time, and sees to the order.
type keeper struct {
	mu     sync.Mutex
	next   map[string]int64 // key → the lowest offset it may have now
	atWork map[string]bool
	faults []string
	first  time.Time
	last   time.Time
	seen   int64
	done   []bool // by offset
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, _ := io.ReadAll(r.Body)
	var e events.KafkaEvent
	if err := json.Unmarshal(body, &e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	k.begin(began, e)
	time.Sleep(laneTakes - time.Since(began)) //gantry:sleep the function takes its time
	k.end(e)
	_, _ = io.WriteString(w, "null")
}

func (k *keeper) begin(at time.Time, e events.KafkaEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.first.IsZero() {
		k.first = at
	}
	mine := map[string]bool{}
	for _, records := range e.Records {
		for _, r := range records {
			if r.Offset < k.next[r.Key] {
				k.faults = append(k.faults, fmt.Sprintf("offset %d comes after %d of its key", r.Offset, k.next[r.Key]-1))
			}
			if k.atWork[r.Key] && !mine[r.Key] {
				k.faults = append(k.faults, fmt.Sprintf("offset %d comes while another of its key is at work", r.Offset))
			}
			k.next[r.Key], k.atWork[r.Key], mine[r.Key] = r.Offset+1, true, true
		}
	}
}

func (k *keeper) end(e events.KafkaEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, records := range e.Records {
		for _, r := range records {
			delete(k.atWork, r.Key)
			k.seen++
			k.done[r.Offset] = true
		}
	}
	k.last = time.Now()
}

// taken is how many records the function has done.
func (k *keeper) taken() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen
}

// holds demands that the function has done all that is committed.
func (k *keeper) holds(t *testing.T, at int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if passed := slices.Index(k.done[:at], false); passed >= 0 {
		t.Errorf("the commit of %d passes record %d, which is not done", at, passed)
	}
}

// measureLanes gives the records a second, and the CPU gantry takes for an invocation.
func measureLanes(t *testing.T, c *kafkatest.Cluster, lanes, round int) usage {
	k := &keeper{next: map[string]int64{}, atWork: map[string]bool{}, done: make([]bool, laneRecords)}
	srv := httptest.NewServer(k)
	defer srv.Close()
	records := int64(laneRecords)
	if lanes < 16 { // as many seconds for each
		records = laneRecords / 16 * int64(lanes)
	}
	admin, group := c.Admin(t), fmt.Sprintf("lanes-%d-%d", lanes, round)
	cmd := program(t, "gantry", job{
		Brokers: c.Brokers(), Topic: "lanes", Group: group, URL: srv.URL, BatchSize: 10, Lanes: lanes,
	})
	looks := 0
	require.Eventually(t, func() bool {
		k.holds(t, committed(admin, group))
		looks++
		return k.taken() >= records
	}, time.Minute, 50*time.Millisecond)
	require.Greater(t, looks, 10, "what is committed while it works")
	k.mu.Lock()
	rate := float64(k.seen) / k.last.Sub(k.first).Seconds()
	k.mu.Unlock()
	cpu, _ := end(t, cmd)
	require.Empty(t, k.faults)
	at := committed(admin, group)
	require.Positive(t, at)
	k.holds(t, at)
	return usage{Rate: rate, CPU: cpu / time.Duration(k.seen/10)}
}
