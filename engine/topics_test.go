package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/engine"
	"gantry/internal/kafkatest"
	"gantry/mapping"
	"gantry/record"
)

// twoTopics is a mapping of orders and payments, which have two partitions each.
func (p *place) twoTopics() mapping.Mapping {
	p.fake.AddPartitions(p.t, "orders", 2)
	require.NoError(p.t, p.fake.CreateTopic("payments", 2, nil))
	p.function("f")
	m := orders()
	m.Source.Topics = []string{"orders", "payments"}
	return m
}

func (p *place) did(topic string, partition int32) []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int64(nil), p.order[record.Partition{Topic: topic, Index: partition}]...)
}

func (p *place) produce(values ...string) {
	for _, topic := range []string{"orders", "payments"} {
		for i := range int32(2) {
			kafkatest.ProduceValues(p.t, p.fake, topic, i, values...)
		}
	}
}

// Topics of one mapping do not wait for each other: while records of the one fail, its offsets
// stay before them and the other goes on.
func TestAMappingOfSeveralTopics(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		m := p.twoTopics()
		p.retain("90000000") // of orders: 25 h
		p.produce("a", "b")
		p.mapping(m)
		settle(5 * time.Second)
		for _, topic := range m.Source.Topics {
			require.Equal(t, map[int32]int64{0: 2, 1: 2}, p.fake.Committed("g", topic))
		}

		p.fails("topic orders", true)
		p.produce("c", "d")
		settle(2 * time.Minute)
		require.Equal(t, map[int32]int64{0: 2, 1: 2}, p.fake.Committed("g", "orders"))
		require.Equal(t, map[int32]int64{0: 4, 1: 4}, p.fake.Committed("g", "payments"))
		for _, s := range p.engine.Standing(t.Context()) {
			require.Equal(t, "orders", s.Partition.Topic)
			require.Equal(t, int64(2), s.Offset())
			require.EqualValues(t, 2, s.Lag)
		}
		require.Len(t, p.engine.Standing(t.Context()), 2)
		require.Len(t, p.engine.Headroom(id), 2)
		lag, ok := p.engine.Lag(t.Context(), id)
		require.True(t, ok)
		require.EqualValues(t, 4, lag.Sum)

		p.fails("topic orders", false)
		settle(2 * time.Minute)
		for _, topic := range m.Source.Topics {
			for i := range int32(2) {
				require.Equal(t, []int64{0, 1, 2, 3}, p.did(topic, i), "%s-%d, in order and once", topic, i)
			}
		}
		at, err := p.engine.Offsets(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, at, 4)
		for _, partition := range at {
			require.Zero(t, partition.Lag())
		}
	})
}

// How long records are kept is asked of the topic they stand in, not of the first.
func TestRetentionIsEachTopicsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		m := p.twoTopics()
		p.retain("-1") // of orders: for ever
		p.fails("topic payments", true)
		p.produce("a")
		p.mapping(m)
		settle(30 * time.Minute)
		left := p.engine.Headroom(id)
		require.Len(t, left, 2)
		for _, h := range left {
			require.Equal(t, "payments", h.Partition.Topic)
			require.InDelta(t, 7*24-0.5, h.Left.Hours(), 0.1)
		}
	})
}

// A topic that is made again under its name stops and waits for its owner; the other goes on,
// before and after its loss is accepted.
func TestOneOfSeveralTopicsIsMadeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.mapping(p.twoTopics())
		p.produce("a", "b")
		settle(5 * time.Second)
		p.fake.Recreate(t, "payments", 2)
		settle(time.Minute)
		p.produce("c")
		settle(time.Minute)
		s := p.engine.Status(id)
		require.Equal(t, mapping.ProblemSourceLoss, s.ProcessingResult)
		require.Len(t, s.Lost, 2)
		for _, l := range s.Lost {
			require.Equal(t, "payments", l.Topic)
		}
		require.Equal(t, map[int32]int64{0: 3, 1: 3}, p.fake.Committed("g", "orders"))
		require.Equal(t, []int64{0, 1}, p.did("payments", 0))

		only := []record.Partition{{Topic: "payments", Index: 0}}
		_, token, err := p.engine.PreviewLoss(t.Context(), id, only)
		require.NoError(t, err)
		accepted, err := p.engine.AcceptLoss(t.Context(), id, token, only, p.by)
		require.NoError(t, err)
		require.Len(t, accepted, 2, "it is another topic now, and nobody accepts a part of that")
		p.produce("d")
		settle(time.Minute)
		require.Equal(t, mapping.OK, p.engine.Status(id).ProcessingResult)
		require.Equal(t, []int64{0, 1, 2, 3}, p.did("orders", 0), "nothing of it came twice")
		require.Equal(t, []int64{0, 1, 0, 1}, p.did("payments", 0))
		require.Equal(t, map[int32]int64{0: 2, 1: 2}, p.fake.Committed("g", "payments"))
	})
}

// A mapping of which one topic is gone begins with the other all the same, and with a partition
// of it that nobody has committed.
func TestOneOfSeveralTopicsIsDeleted(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.mapping(p.twoTopics())
		p.produce("a")
		settle(5 * time.Second)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(time.Minute)
		_, err := kadm.NewClient(p.fake.NewHost().Client(t)).DeleteTopics(t.Context(), "payments")
		require.NoError(t, err)
		p.fake.AddPartitions(t, "orders", 3)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "b")
		kafkatest.ProduceValues(t, p.fake, "orders", 2, "x")
		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(time.Minute)
		require.Equal(t, []int64{0, 1}, p.did("orders", 0))
		require.Equal(t, []int64{0}, p.did("orders", 2))
		require.Equal(t, map[int32]int64{0: 2, 1: 1, 2: 1}, p.fake.Committed("g", "orders"))
	})
}

// A reset of one topic leaves the other where it is.
func TestAResetOfOneTopic(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.mapping(p.twoTopics())
		p.produce("a", "b", "c")
		settle(5 * time.Second)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(5 * time.Second)
		plan, err := p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToShift, N: -2}, []record.Partition{{Topic: "payments", Index: 1}})
		require.NoError(t, err)
		require.Equal(t, []engine.Move{{Topic: "payments", Partition: 1, Committed: 3, Old: 3, New: 1, End: 3}}, plan.Moves)
		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.NoError(t, err)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(5 * time.Second)
		require.Equal(t, []int64{0, 1, 2, 1, 2}, p.did("payments", 1))
		require.Equal(t, []int64{0, 1, 2}, p.did("payments", 0))
		require.Equal(t, []int64{0, 1, 2}, p.did("orders", 1))

		plan, err = p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToEarliest}, nil)
		require.NoError(t, err)
		require.Len(t, plan.Moves, 4, "without a word of topics it is all of them")
	})
}

// A topic that joins a mapping begins where the mapping says; the others go on.
func TestATopicIsAddedToAMapping(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		m := p.twoTopics()
		m.Source.Topics, m.Start = []string{"orders"}, mapping.Latest
		p.produce("a")
		p.mapping(m)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "b")
		settle(5 * time.Second)
		require.Equal(t, []int64{1}, p.did("orders", 0))

		p.change(id, func(m *mapping.Mapping) { m.Source.Topics = []string{"payments", "orders"} })
		settle(5 * time.Second)
		p.produce("c")
		settle(5 * time.Second)
		require.Equal(t, []int64{1, 2}, p.did("orders", 0))
		require.Equal(t, []int64{1}, p.did("payments", 0), "LATEST, resolved before the first fetch")

		m.Source.Topics = []string{"orders", "payments", "refunds"}
		require.NoError(t, p.fake.CreateTopic("refunds", 1, nil))
		note, err := p.engine.Begins(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "goes on at the commits of group g in orders, payments, where startingPosition LATEST is ignored; begins at it in refunds, where the group has none", note)
		m.Positions, m.TopicIDs = map[string]map[int32]int64{"orders": {0: 1, 1: 1}}, map[string]string{"orders": "known"}
		kafkatest.ProduceValues(t, p.fake, "refunds", 0, "a", "b")
		require.NoError(t, p.engine.Resolve(t.Context(), &m))
		require.Equal(t, map[int32]int64{0: 1, 1: 1}, m.Positions["orders"], "as it was")
		require.Equal(t, "known", m.TopicIDs["orders"])
		require.Equal(t, map[int32]int64{0: 2}, m.Positions["refunds"])
	})
}
