package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
)

// The load of the transactions: each record is answered by one of its size.
const (
	txTopic   = "transactions"
	txSize    = 1000
	txRecords = 200_000
	txRounds  = 5 // interleaved pairs, after one that is thrown away
)

// Transactions: the same mapping, function and topics, with transactional: true and without.
// Every answer is written and acknowledged either way; the rate is from the function's first
// request to the commit of the last record. With transactions it is 0.7 of that without at
// least, in the middle of the pairs.
func TestTransactions(t *testing.T) {
	c := cluster(t)
	c.CreateTopic(t, txTopic, partitions, nil)
	fill(t, c, txTopic, txSize, txRecords)
	lines := []string{
		"| load | without | with transactions | with / without (range) | CPU s a run | peak RSS MB |",
		"| --- | --- | --- | --- | --- | --- |",
	}
	var middle []float64
	for _, size := range []int{100, 1000} {
		var with, without []usage
		var ratios []float64
		for round := range txRounds + 1 {
			plain := measureAnswers(t, c, size, round, false)
			atomic := measureAnswers(t, c, size, round, true)
			ratio := atomic.Rate / plain.Rate
			t.Logf("batch %d round %d: %.0f records/s, %.2f CPU s, %d MB without; %.0f records/s, %.2f CPU s, %d MB with: %.2f", size, round,
				plain.Rate, plain.CPU.Seconds(), plain.RSS>>20, atomic.Rate, atomic.CPU.Seconds(), atomic.RSS>>20, ratio)
			if round > 0 {
				without, with, ratios = append(without, plain), append(with, atomic), append(ratios, ratio)
			}
		}
		slices.Sort(ratios)
		middle = append(middle, ratios[txRounds/2])
		lines = append(lines, fmt.Sprintf("| %d B, batch %d | %.0f | %.0f | **%.2f** (%.2f–%.2f) | %.2f / %.2f | %d / %d |", txSize, size,
			rate(without), rate(with), ratios[txRounds/2], ratios[0], ratios[txRounds-1], seconds(without), seconds(with), peak(without), peak(with)))
	}
	report(t, fmt.Sprintf("Outputs with and without transactions, records/s: median of %d interleaved pairs", txRounds), lines)
	for _, ratio := range middle {
		require.GreaterOrEqual(t, ratio, 0.7)
	}
}

// measureAnswers runs gantry over the whole topic, from an empty group to the last commit.
func measureAnswers(t *testing.T, c *kafkatest.Cluster, size, round int, transactional bool) usage {
	group := fmt.Sprintf("%s-%d-%d-%t", txTopic, size, round, transactional)
	out := group + ".out"
	f := newAnswering(out)
	srv := httptest.NewServer(f)
	defer srv.Close()
	c.CreateTopic(t, out, partitions, nil)
	defer c.DeleteTopic(t, out)
	cmd := program(t, "gantry", job{
		Brokers: c.Brokers(), Topic: txTopic, Group: group, URL: srv.URL, BatchSize: size, Records: txRecords,
		Output: fmt.Sprintf("{topic: %s, transactional: %t}", out, transactional),
	})
	admin := c.Admin(t)
	require.Eventually(t, func() bool { return committed(admin, group) >= txRecords }, 5*time.Minute, 10*time.Millisecond, "it does not finish")
	took := f.since()
	cpu, rss := end(t, cmd)
	ends, err := admin.ListEndOffsets(t.Context(), out)
	require.NoError(t, err)
	written := int64(0)
	for _, p := range ends[out] {
		written += p.Offset
	}
	require.GreaterOrEqual(t, written, int64(txRecords))
	return usage{Rate: txRecords / took.Seconds(), CPU: cpu, RSS: rss}
}

// answering is the function: it counts the records of an event and answers as many, which
// were made before.
type answering struct {
	records []byte // a thousand, each with a comma behind it
	one     int    // bytes of each
	begin   []byte

	mu    sync.Mutex
	first time.Time
}

func newAnswering(topic string) *answering {
	a := &answering{begin: []byte(`{"records":{"` + topic + `":[`)}
	value := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'a'}, txSize))
	for i := range 1000 {
		key := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "k%03d", i))
		a.records = fmt.Appendf(a.records, `{"key":"%s","value":"%s"},`, key, value)
	}
	a.one = len(a.records) / 1000
	return a
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if a.first.IsZero() {
		a.first = time.Now()
	}
	a.mu.Unlock()
	event, _ := io.ReadAll(r.Body)
	n := bytes.Count(event, []byte(`"offset":`))
	_, _ = w.Write(slices.Concat(a.begin, a.records[:n*a.one-1], []byte(`]}}`)))
}

func (a *answering) since() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.first)
}
