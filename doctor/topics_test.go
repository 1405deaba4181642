package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
)

// Of a mapping of several topics each is looked at: the group's place, the permissions, and
// what the filters keep.
func TestEachOfSeveralTopicsIsLookedAt(t *testing.T) {
	t.Parallel()
	f := kafkatest.Local(t)
	for topic, value := range map[string]string{"orders": `{"total":1}`, "payments": `{"total":500}`} {
		require.NoError(t, f.CreateTopic(topic, 2, nil))
		kafkatest.ProduceValues(t, f, topic, 1, value, value)
	}
	f.Commit(t, "g", "orders", map[int32]int64{1: 2})
	f.Commit(t, "g", "payments", map[int32]int64{1: 1})
	d := &Doctor{Sources: onFake{f}}
	c := Case{Mapping: mapping.Mapping{
		UUID: "u", Name: "both", GroupID: "g", Enabled: true, Source: mapping.Source{Topics: []string{"orders", "payments"}},
		Functions: []mapping.Consumer{{Function: "f", Filters: []string{`{"value":{"total":[500]}}`}}}, RetryAttempts: 3, RecordAge: mapping.Endless,
	}}
	r := d.Mapping(t.Context(), c)
	require.Contains(t, find(t, r, "the group g").Detail, "commits for 2 of 4 partitions, lag 1")
	require.Equal(t, "they keep 0 of the newest 2 records of orders-1, 2 of the newest 2 records of payments-1", find(t, r, "the filters").Detail)
	require.Equal(t, "ok", find(t, r, "the filters").Result)
	require.Equal(t, "ok", find(t, r, "permission: Read on topic payments").Result)

	c.Mapping.Functions[0].Filters = []string{`{"value":{"total":[7]}}`}
	require.Equal(t, "warning", find(t, d.Mapping(t.Context(), c), "the filters").Result)
	f.Retain(t, "payments", 1, 2)
	require.Contains(t, find(t, d.Mapping(t.Context(), c), "the group g").Detail, "records were removed before they were read, in payments-1")
}

// The ledger of letters that lie in AWS is the same in whatever order topics are named, and
// what was noted beside each of them is read.
func TestTheLeastACLsOfSeveralTopics(t *testing.T) {
	t.Parallel()
	needs := func(topics ...string) []string {
		m := mapping.Mapping{UUID: "1111", GroupID: "g", Source: mapping.Source{Topics: topics}, OnFailure: "arn:aws:sqs:eu-west-1:1:q"}
		var out []string
		for _, n := range append(kafka.Needs(m), kafka.RedriveNeeds(m)...) {
			out = append(out, n.Operation+" "+n.Name)
		}
		return out
	}
	all := strings.Join(needs("orders", "payments"), "; ")
	require.Equal(t, "Read orders; DescribeConfigs orders; Read payments; DescribeConfigs payments; Read g; "+
		"Read payments.redriven; Create orders.redriven; Read orders.redriven; Write orders.redriven; Write gantry-redrive-orders.redriven; "+
		"Write orders; Write payments", all)
	require.ElementsMatch(t, needs("orders", "payments"), needs("payments", "orders"))
}
