package watch_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const poison = "geheim: no order"

// shop is a function that fails every batch with the poison record.
func shop(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e events.KafkaEvent
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Errorf("no event: %v", err)
		}
		for _, records := range e.Records {
			for _, one := range records {
				if one.Value == "Z2VoZWltOiBubyBvcmRlcg==" {
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = io.WriteString(w, `{"errorType":"NoOrder","errorMessage":"this is no order"}`)
					return
				}
			}
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const quiet = "def handler(event, context):\n    return None\n"

// standingAfter is when GantryLaneBlocked fires. Full size waits for the rule as it is
// shipped; otherwise it is the same with a hundredth of the time.
func standingAfter(t *testing.T) string {
	all := rules(t)
	const shipped = "> 300\n"
	require.Equal(t, 1, strings.Count(all, shipped))
	if os.Getenv("GANTRY_TEST_SIZE") == "full" {
		return all
	}
	return strings.Replace(all, shipped, "> 3\n", 1)
}

// TestTheBadNight walks the whole way: a poison record blocks a partition, the alert
// fires, status names the record, it is shown, skipped to the dead-letter topic, the
// partition runs, the alert ends, and the audit log says who and why. Then every query of
// the dashboard is run where all of it was seen.
func TestTheBadNight(t *testing.T) {
	t.Parallel()
	program(t, "prometheus")
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	c.CreateTopic(t, topic, 2, nil)
	c.CreateTopic(t, topic+".dead", 1, nil)
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(`
clusters: { k: { brokers: [%q] } }
functions:
  shop: { http: %q }
  quiet: { runtime: python3.12, handler: app.handler, code: %q }
mappings:
  orders: { function: shop, cluster: k, topic: %[4]s, startingPosition: TRIM_HORIZON, batchSize: 1, maximumRetryAttempts: 10000, onFailure: "kafka://%[4]s.dead" }
  copy: { function: quiet, cluster: k, topic: %[4]s, startingPosition: TRIM_HORIZON }
telemetry: { logs: { format: json, level: debug } }
`, c.Brokers()[0], shop(t), gantrytest.PythonFunction(t, quiet), topic)})
	p := scrape(t, g.URL, standingAfter(t))
	one := func(partition int32, value string) *kgo.Record {
		return &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}
	}
	kafkatest.Produce(t, c, one(0, "1"), one(0, "2"), one(0, poison), one(0, "3"), one(0, "4"), one(1, "1"), one(1, "2"))

	p.until("the alert fires", func() bool { return len(p.firing("GantryLaneBlocked")) == 1 })
	labels := p.firing("GantryLaneBlocked")[0].Metric
	require.Equal(t, []string{"orders", topic + "-0", "critical"}, []string{labels["name"], labels["partition"], labels["severity"]})

	said := g.MustCLI("status")
	for _, want := range []string{topic + "-0", "2", "500 Internal Server Error", "gantry skip orders", "gantry records show orders --partition 0 --offset 2"} {
		require.Contains(t, said, want)
	}
	require.Contains(t, g.MustCLI("records", "show", "orders", "--partition", "0", "--offset", "2"), poison)
	skip := []string{"skip", "orders", "--partition", "0", "--offset", "2", "--to", "dead-letter", "--reason", "INC-7: no order"}
	g.MustCLI(skip...)
	require.Len(t, p.firing("GantryLaneBlocked"), 1, "a preview changes nothing")
	g.MustCLI(append(skip, "--yes")...)
	g.MustCLI("wait", "orders", "--settled", "--timeout", "60s")
	require.Equal(t, map[int32]int64{0: 5, 1: 2}, c.Committed(t, "gantry.orders", topic))
	letters := c.Client(t, kgo.ConsumeTopics(topic+".dead")).PollFetches(t.Context()).Records()
	require.Len(t, letters, 1)

	audit := read(t, filepath.Join(g.DataDir, "audit.log"))
	require.Contains(t, audit, "INC-7: no order")
	require.Contains(t, audit, "skip")
	p.until("the alert ends", func() bool { return len(p.firing("GantryLaneBlocked")) == 0 })

	everyQuery(t, p)
	everyLine(t, g.Log())
	metricsAreClean(t, g.URL)
	require.NoError(t, g.Stop())
}

func read(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(body)
}

// everyQuery runs the dashboard's queries; each must be one that Prometheus takes and that
// finds something, but for what this night did not have.
func everyQuery(t *testing.T, p *prometheus) {
	t.Helper()
	for _, expr := range queries(t) {
		result, err := p.ask(expr)
		require.NoError(t, err)
		if now := strings.Contains(expr, "gantry_lane_standing_seconds") || strings.Contains(expr, "gantry_retention_headroom_seconds"); now {
			result = p.query("last_over_time(" + strings.TrimSuffix(expr[strings.Index(expr, "(gantry")+1:], ")") + "[10m])")
			if strings.Contains(expr, "headroom") {
				continue // measured each minute: a night this short may have none
			}
		}
		require.NotEmpty(t, result, expr)
	}
}

// everyLine: JSON, each with an event of the table, and no payload in any.
func everyLine(t *testing.T, log string) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{") {
			require.NotContains(t, line, "level=", "a line that is not JSON")
			continue // the greeting
		}
		var said struct{ Time, Level, Msg, Event string }
		require.NoError(t, json.Unmarshal([]byte(line), &said), line)
		require.NotEmpty(t, said.Event, line)
		require.NotEqual(t, "unnamed", said.Event, line)
		lines++
	}
	require.NotZero(t, lines)
	require.NotContains(t, log, "geheim")
}

// metricsAreClean: promtool's own opinion of names and help.
func metricsAreClean(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NotContains(t, string(body), "geheim")
	cmd := exec.Command(program(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(string(body))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
