package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
)

func TestTopicThatIsMeant(t *testing.T) {
	t.Parallel()
	one, two := mapping.Source{Topics: []string{"orders"}}, mapping.Source{Topics: []string{"orders", "payments"}}
	for _, c := range []struct {
		of                  mapping.Source
		named, topic, fault string
	}{
		{of: one, topic: "orders"},
		{of: one, named: "orders", topic: "orders"},
		{of: one, named: "payments", fault: "topic: the mapping reads orders only"},
		{of: two, named: "payments", topic: "payments"},
		{of: two, fault: "topic: the mapping reads orders, payments: say which (on the command line with the partition: --partition orders-0)"},
		{of: two, named: "refunds", fault: "topic: the mapping reads orders, payments, not refunds"},
	} {
		topic, err := c.of.Topic(c.named)
		require.Equal(t, c.topic, topic)
		if c.fault == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.fault)
		}
	}
	require.Equal(t, "orders,payments", two.TopicNames())
}

func TestPositioned(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{Source: mapping.Source{Topics: []string{"orders", "payments"}}}
	require.False(t, m.Positioned())
	m.Positions = map[string]map[int32]int64{"orders": {0: 1}}
	require.False(t, m.Positioned(), "payments was added while the cluster could not be asked")
	m.Positions["payments"] = map[int32]int64{0: 0}
	require.True(t, m.Positioned())
}
