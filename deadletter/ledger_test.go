package deadletter

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
)

// A mapping that had read payments alone gets orders as well: what was noted beside payments
// is known, and where both ledgers speak of a record the one that is written now is right.
func TestMarksBesideAnotherTopicAreKnown(t *testing.T) {
	t.Parallel()
	f := kafkatest.Local(t)
	for topic, marks := range map[string]map[string]string{
		"orders.redriven": {"both": Redriven}, "payments.redriven": {"before": Redriven, "both": Failed},
	} {
		require.NoError(t, f.CreateTopic(topic, 1, nil))
		for id, state := range marks {
			body, err := json.Marshal(Mark{State: state})
			require.NoError(t, err)
			require.NoError(t, f.NewHost().Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte(id), Value: body}).FirstErr())
		}
	}
	admin, err := kafka.Open(kafka.Cluster{Brokers: f.Brokers()})
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	l := ledger{admin: admin, topic: "orders.redriven", also: []string{"payments", "refunds"}}
	require.NoError(t, l.load(t.Context()))
	require.Equal(t, map[string]Mark{"before": {State: Redriven}, "both": {State: Redriven}}, l.marks)
}
