package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

const (
	perSecond      = 1000
	latencySeconds = 15
	latencyRounds  = 3
)

// Latency: from produce to the start of the function at a fixed rate, window 0. Each
// record carries the time it was produced at.
func TestLatency(t *testing.T) {
	c := cluster(t)
	lines := []string{"| program | p50 | p99 | max |", "| --- | --- | --- | --- |"}
	all := map[string][]time.Duration{}
	for round := range latencyRounds {
		for _, role := range []string{"floor", "gantry"} {
			topic := fmt.Sprintf("latency-%s-%d", role, round)
			c.CreateTopic(t, topic, partitions, nil)
			all[role] = append(all[role], latency(t, c, role, topic)...)
		}
	}
	p99 := map[string]time.Duration{}
	for _, role := range []string{"floor", "gantry"} {
		d := all[role]
		slices.Sort(d)
		p99[role] = quantile(d, 0.99)
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s |", role, round(quantile(d, 0.5)), round(p99[role]), round(d[len(d)-1])))
	}
	lines = append(lines, "", fmt.Sprintf("added at p99: %s", round(p99["gantry"]-p99["floor"])))
	report(t, fmt.Sprintf("Latency, produce to function start, %d records/s, window 0", perSecond), lines)
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// clock is a function that keeps how old each record is when it starts.
type clock struct {
	mu   sync.Mutex
	ages []time.Duration
}

func (k *clock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, _ := io.ReadAll(r.Body)
	_, _ = io.WriteString(w, "null")
	var e events.KafkaEvent
	if json.Unmarshal(body, &e) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, records := range e.Records {
		for _, record := range records {
			k.ages = append(k.ages, now.Sub(time.Unix(0, stamp(record.Value))))
		}
	}
}

func stamp(base64Value string) int64 {
	var raw []byte
	if json.Unmarshal([]byte(`"`+base64Value+`"`), &raw) != nil || len(raw) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw))
}

func latency(t *testing.T, c *kafkatest.Cluster, role, topic string) []time.Duration {
	k := &clock{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: k}
	go func() { _ = srv.Serve(l) }()
	defer func() { _ = srv.Close() }()
	cmd := program(t, role, job{
		Brokers: c.Brokers(), Topic: topic, Group: topic, URL: "http://" + l.Addr().String() + "/", BatchSize: 100, Window: "0s",
	})
	cl := c.Client(t, kgo.ProducerLinger(0))
	await(t, cl, topic, k)
	k.mu.Lock()
	k.ages = nil
	k.mu.Unlock()
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for range perSecond * latencySeconds {
		<-tick.C
		send(cl, topic)
	}
	require.NoError(t, cl.Flush(context.Background()))
	require.Eventually(t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.ages) >= perSecond*latencySeconds
	}, 20*time.Second, 10*time.Millisecond)
	end(t, cmd)
	return k.ages
}

// await sends until the program is at work.
func await(t *testing.T, cl *kgo.Client, topic string, k *clock) {
	require.Eventually(t, func() bool {
		send(cl, topic)
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.ages) > 20
	}, 30*time.Second, 100*time.Millisecond)
}

func send(cl *kgo.Client, topic string) {
	value := make([]byte, 1000)
	binary.BigEndian.PutUint64(value, uint64(time.Now().UnixNano()))
	cl.Produce(context.Background(), &kgo.Record{Topic: topic, Value: value}, nil)
}
