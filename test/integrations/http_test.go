package integrations_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// sale is what a record says, and what the service keeps of it.
type sale struct{ P, N int }

// till is a service that keeps sales by their idempotency key, and is not always well: it
// throttles, fails, breaks off behind its work, and takes no more than 50 sales at once.
type till struct {
	often int // one call in so many is throttled, and so on

	mu     sync.Mutex
	calls  int
	faults map[string]int
	keys   map[string]bool
	kept   map[int][]int // partition → sales in the order they came
	server *httptest.Server
}

// opens makes it answer at an address.
func (s *till) opens(t *testing.T, address string) (at string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	s.server = httptest.NewUnstartedServer(s)
	require.NoError(t, s.server.Listener.Close())
	s.server.Listener = l
	s.server.Start()
	return l.Addr().String()
}

func (s *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sales []sale
	body := json.NewDecoder(r.Body)
	if r.URL.Path == "/many" {
		_ = body.Decode(&sales)
	} else {
		sales = make([]sale, 1)
		_ = body.Decode(&sales[0])
	}
	s.calls++
	status := map[int]int{1: 429, 5: 503, 9: 500}[s.calls%s.often]
	for _, one := range sales {
		if one.N < 0 && status == 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	if len(sales) > 50 && status == 0 {
		status = http.StatusRequestEntityTooLarge
	}
	if status != 0 {
		s.faults[fmt.Sprint(r.URL.Path, " ", status)]++
		w.WriteHeader(status)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); !s.keys[key] {
		s.keys[key] = true
		for _, one := range sales {
			s.kept[one.P] = append(s.kept[one.P], one.N)
		}
	}
	if s.calls%s.often == 3 {
		s.faults[r.URL.Path+" lost"]++
		panic(http.ErrAbortHandler)
	}
}

// Records become requests, one by one and many in one, to a service that throttles, fails,
// refuses, loses answers and is away for a while, and gantry is killed twice. What is sent
// one by one is kept once, because the service keeps the keys; all is kept in the order of
// its partition, and what was refused is a dead letter.
func TestHTTPServiceGetsEverything(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	count := kafkatest.Size(2000, 20_000)
	modes := map[string]int{"one": 97, "many": 41}
	tills, config := map[string]*till{}, strings.Builder{}
	c.CreateTopic(t, topic, 4, nil)
	fmt.Fprintf(&config, "clusters: {onprem: {brokers: [%q]}}\nfunctions:\n", c.Brokers()[0])
	address := map[string]string{}
	for mode, often := range modes {
		c.CreateTopic(t, topic+"-"+mode, 1, nil)
		tills[mode] = &till{often: often, faults: map[string]int{}, keys: map[string]bool{}, kept: map[int][]int{}}
		address[mode] = tills[mode].opens(t, "127.0.0.1:0")
		t.Cleanup(func() { tills[mode].server.Close() })
		fmt.Fprintf(&config, "  %[1]s: {integration: http, timeout: 20s, settings: {url: \"http://%[2]s/%[1]s\", mode: %[3]s, body: \"{{ json .value }}\", timeout: 15s}}\n",
			mode, address[mode], map[string]string{"one": "record", "many": "batch"}[mode])
	}
	config.WriteString("mappings:\n")
	for mode := range modes {
		fmt.Fprintf(&config, "  %[1]s: {function: %[1]s, cluster: onprem, topic: %[2]s, consumerGroupId: %[2]s-%[1]s, startingPosition: TRIM_HORIZON, batchSize: 80, maximumRetryAttempts: 6, onFailure: \"kafka://%[2]s-%[1]s\"}\n", mode, topic)
	}
	g := gantrytest.Start(t, gantrytest.Options{Config: config.String()})
	t.Cleanup(func() {
		if t.Failed() {
			status, _ := g.CLI("status")
			given, _ := g.CLI("deadletters", "list", "many", "--limit", "3")
			t.Log(status, given)
		}
		g.Kill()
	})
	n, refused := 0, 0
	sell := func(upTo int) {
		var load []*kgo.Record
		for ; n < upTo; n++ {
			r := &kgo.Record{Topic: topic, Partition: int32(n % 4), Key: fmt.Appendf(nil, "s%d", n), Value: fmt.Appendf(nil, `{"P":%d,"N":%d}`, n%4, n)}
			if n%(count/3) == count/3-1 {
				r.Value = fmt.Appendf(nil, `{"P":%d,"N":%d}`, n%4, -n)
				refused++
			}
			load = append(load, r)
		}
		kafkatest.Produce(t, c, load...)
	}
	for i, disturb := range []func(){
		func() { g.Kill(); g.Up() },
		func() {
			sell(count * 5 / 8)
			for mode := range modes {
				tills[mode].server.CloseClientConnections()
				tills[mode].server.Close()
			}
			time.Sleep(time.Second) //gantry:sleep away for a while, and back before the attempts of a batch are used up
			for mode := range modes {
				tills[mode].opens(t, address[mode])
			}
		},
		func() { g.Kill(); g.Up() },
	} {
		before := written(t, c, topic, "one", "many")
		sell(count * (i + 1) / 4)
		require.Eventually(t, func() bool { return written(t, c, topic, "one", "many") > before }, time.Minute, 5*time.Millisecond)
		disturb()
	}
	sell(count)
	for mode := range modes {
		require.Eventually(t, func() bool { return written(t, c, topic, mode) == int64(count) }, 3*time.Minute, 100*time.Millisecond, "%s does not finish", mode)
		require.Equal(t, refused, letters(t, c, topic+"-"+mode), "dead letters of %s", mode)
		tills[mode].holds(t, mode, count, refused)
	}
}

// holds demands that each sale that was not refused is kept, in the order of its partition.
func (s *till) holds(t *testing.T, mode string, count, refused int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, kept := map[int]bool{}, 0
	for p, list := range s.kept {
		last := -1
		for _, n := range list {
			if kept++; seen[n] {
				continue
			}
			require.Greater(t, n, last, "%s: partition %d is out of order", mode, p)
			seen[n], last = true, n
		}
	}
	require.Len(t, seen, count-refused, mode)
	if mode == "one" {
		require.Equal(t, count-refused, kept, "each is kept once")
	}
	for _, fault := range []string{" 429", " 503", " 500", " 422", " lost"} {
		require.Positive(t, s.faults["/"+mode+fault], "%s%s", mode, fault)
	}
	if mode == "many" {
		require.Positive(t, s.faults["/many 413"])
	}
	t.Logf("%s: %d sales kept of %d, faults %v", mode, kept, count-refused, s.faults)
}
