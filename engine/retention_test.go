package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/kafkatest"
)

func (p *place) retain(ms string) {
	p.t.Helper()
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &ms}}
	answers, err := kadm.NewClient(p.fake.NewHost().Client(p.t)).AlterTopicConfigs(p.t.Context(), set, "orders")
	require.NoError(p.t, err)
	require.NoError(p.t, answers[0].Err)
}

// left is the headroom of the one lane that stands, 0 where none does.
func (p *place) left() time.Duration {
	p.t.Helper()
	all := p.engine.Headroom(id)
	if len(all) == 0 {
		return 0
	}
	require.Len(p.t, all, 1)
	return all[0].Left
}

// A lane stands on a record that retention comes to: how long it has is measured, and said
// once below a day and once below an hour.
func TestRetentionIsWarnedOf(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		const warning = "retention is about to remove records a lane stands on"
		p.retain("90000000") // 25 h
		p.function("f")
		p.fail["f"] = true
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a")
		p.mapping(orders())
		settle(30 * time.Minute)
		require.InDelta(t, 24.5, p.left().Hours(), 0.1)
		require.Zero(t, p.said.count(warning))
		settle(time.Hour)
		require.Equal(t, 1, p.said.count(warning), "below a day")
		p.retain("10800000") // 3 h
		settle(2 * time.Minute)
		require.InDelta(t, 1.5, p.left().Hours(), 0.1)
		require.Equal(t, 1, p.said.count(warning), "it was said")
		settle(time.Hour)
		require.InDelta(t, 0.5, p.left().Hours(), 0.1)
		require.Equal(t, 2, p.said.count(warning), "below an hour")
		require.Equal(t, 2, p.said.count("partition=orders-0"))

		p.retain("-1")
		settle(5 * time.Minute)
		require.Zero(t, p.left(), "nothing is removed any more")
		p.retain("90000000")
		settle(5 * time.Minute)
		require.Positive(t, p.left())
		p.mu.Lock()
		p.fail["f"] = false
		p.mu.Unlock()
		settle(5 * time.Minute)
		require.Empty(t, p.engine.Headroom(id), "it does not stand")
	})
}
