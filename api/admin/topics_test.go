package admin_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/engine"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// twoTopics is a mapping of orders and payments that stands in payments-3.
func twoTopics(b *bench) mapping.Mapping {
	m := plain(one, "m")
	m.Source.Topics = []string{"orders", "payments"}
	b.put(m)
	lane := pipeline.LaneSnapshot{Partition: record.Partition{Topic: "payments", Index: 3}, Resume: 7, At: 7, Since: started, Detail: "it broke"}
	b.engine.running = []engine.Running{{UUID: one, Mapping: m, Counts: numbered(100), Snapshot: pipeline.Snapshot{Lanes: []pipeline.LaneSnapshot{lane}}}}
	b.engine.standing = []engine.Standing{{Mapping: m, Partition: lane.Partition, Lane: &lane}}
	b.engine.headroom = []engine.Headroom{{Partition: lane.Partition, Left: time.Hour}}
	return m
}

func TestSeveralTopicsAreShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twoTopics(b)
	seen := b.fine("GET", "/gantry/v1/mappings/m", "")["mapping"].(map[string]any)
	require.Equal(t, []any{"orders", "payments"}, seen["topics"])
	require.NotContains(t, seen, "topic", "as in a file")
	list := b.fine("GET", "/gantry/v1/mappings", "")["mappings"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"orders,payments", []any{"orders", "payments"}}, []any{list["topic"], list["topics"]})
	standing := b.fine("GET", "/gantry/v1/status", "")["standing"].([]any)[0].(map[string]any)
	require.Contains(t, standing["commands"], `gantry skip m --partition payments-3 --offset 7 --to drop --reason "…"`)
	require.Contains(t, standing["commands"], `gantry records show m --partition payments-3 --offset 7`)
}

func TestMetricsOfAPartitionNameItsTopic(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twoTopics(b)
	w := httptest.NewRecorder()
	admin.Metrics(b.engine, "1", nil, nil).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	ofMapping := `mapping="` + one + `",name="m",topic="orders,payments"}`
	ofPartition := `mapping="` + one + `",name="m",partition="payments-3",topic="payments"}`
	lines := map[string]int{}
	for line := range strings.Lines(w.Body.String()) {
		switch {
		case strings.Contains(line, ofMapping):
			lines["mapping"]++
		case strings.Contains(line, ofPartition):
			lines["partition"]++
		default:
			require.NotContains(t, line, one)
		}
	}
	require.Greater(t, lines["mapping"], 10)
	require.Greater(t, lines["partition"], 2)
}

// Who speaks of a partition of several topics says of which.
func TestATopicHasToBeSaidWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twoTopics(b)
	b.engine.losses = []mapping.Loss{{Topic: "payments", Partition: 3}}
	const which = "the mapping reads orders, payments: say which"
	const other = "the mapping reads orders, payments, not refunds"
	for path, body := range map[string]string{
		"/skip":          `{"topic":"%","partition":3,"offsets":[{"first":7,"last":7}],"to":"drop"}`,
		"/offsets/reset": `{"to":{"kind":"earliest"},"partitions":[{"topic":"orders","partition":1},{"topic":"%","partition":3}]}`,
		"/accept-loss":   `{"partitions":[{"topic":"%","partition":3}]}`,
	} {
		path = "/gantry/v1/mappings/m" + path
		b.refused(400, "InvalidParameterValueException", which, "POST", path, strings.ReplaceAll(body, "%", ""))
		b.refused(400, "InvalidParameterValueException", other, "POST", path, strings.ReplaceAll(body, "%", "refunds"))
		b.fine("POST", path, strings.ReplaceAll(body, "%", "payments"))
	}
	require.Equal(t, record.Partition{Topic: "payments", Index: 3}, b.engine.skipped.Partition)
	const records = "/gantry/v1/mappings/m/records?partition=3&offset=7"
	b.refused(400, "InvalidParameterValueException", which, "GET", records, "")
	b.refused(400, "InvalidParameterValueException", other, "GET", records+"&topic=refunds", "")
	b.engine.records = []record.Record{{Offset: 7}}
	require.Equal(t, "payments", b.fine("GET", records+"&topic=payments", "")["topic"])
}
