package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/engine"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

func TestAResetIsRefusedWhileTheMappingRuns(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c", "d")
		p.mapping(orders())
		settle(5 * time.Second)
		plan, err := p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToShift, N: -3}, nil)
		require.NoError(t, err)
		require.Equal(t, []engine.Move{{Topic: "orders", Committed: 4, Old: 4, New: 1, End: 4}}, plan.Moves)
		require.EqualValues(t, 3, plan.Moves[0].Replayed())
		require.Len(t, plan.Refusals, 2, "it is not paused, and its member is there: %v", plan.Refusals)
		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.ErrorIs(t, err, engine.ErrEnabled)

		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(5 * time.Second)
		leave := p.fake.Join(t, "g", "orders", kgo.FetchMaxWait(time.Second))
		settle(5 * time.Second)
		plan, err = p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToShift, N: -3}, nil)
		require.NoError(t, err)
		require.Len(t, plan.Refusals, 1)
		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.ErrorIs(t, err, kafka.ErrGroupBusy, "the broker refuses a group with a member")
		leave()
		settle(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 4}, p.fake.Committed("g", "orders"))

		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.ErrorIs(t, err, engine.ErrNoPreview, "a preview is confirmed once")
		plan, err = p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToShift, N: -3}, nil)
		require.NoError(t, err)
		require.Empty(t, plan.Refusals)
		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.NoError(t, err)
		require.Equal(t, map[int32]int64{0: 1}, p.fake.Committed("g", "orders"))
		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(5 * time.Second)
		require.Equal(t, []int64{0, 1, 2, 3, 1, 2, 3}, p.seen("f"))
	})
}

// A group that was set and expires while it is paused begins where it was set.
func TestAResetSurvivesTheGroupsExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		m := orders()
		m.Start = mapping.Latest
		p.mapping(m)
		settle(5 * time.Second)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(5 * time.Second)
		plan, err := p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToEarliest}, []record.Partition{{Topic: "orders"}})
		require.NoError(t, err)
		_, err = p.engine.Reset(t.Context(), id, plan.Token, p.by)
		require.NoError(t, err)
		p.fake.Expire(t, "g")
		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(5 * time.Second)
		require.Equal(t, []int64{0, 1, 2}, p.seen("f"))
	})
}

// The ways to say where to, and what is outside of the log.
func TestWhereAResetGoes(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		m := orders()
		m.Enabled = false
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b")
		between := time.Now().Add(time.Second)
		settle(time.Minute)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "c", "d", "e")
		p.mapping(m)
		p.fake.Retain(t, "orders", 0, 1)
		p.fake.Commit(t, "g", "orders", map[int32]int64{0: 3})
		settle(time.Second)
		for _, c := range []struct {
			to    engine.ResetTo
			want  int64
			moved bool
		}{
			{engine.ResetTo{Kind: engine.ToEarliest}, 1, false},
			{engine.ResetTo{Kind: engine.ToLatest}, 5, false},
			{engine.ResetTo{Kind: engine.ToTime, At: between}, 2, false},
			{engine.ResetTo{Kind: engine.ToTime, At: time.Now().Add(time.Hour)}, 5, false},
			{engine.ResetTo{Kind: engine.ToOffset, N: 4}, 4, false},
			{engine.ResetTo{Kind: engine.ToOffset, N: 0}, 1, true},
			{engine.ResetTo{Kind: engine.ToShift, N: 1}, 4, false},
			{engine.ResetTo{Kind: engine.ToShift, N: 9}, 5, true},
		} {
			plan, err := p.engine.PreviewReset(t.Context(), id, c.to, nil)
			require.NoError(t, err)
			require.Equal(t, []engine.Move{{Topic: "orders", Committed: 3, Old: 3, New: c.want, Start: 1, End: 5, Moved: c.moved}}, plan.Moves, "%+v", c.to)
		}
		_, err := p.engine.PreviewReset(t.Context(), id, engine.ResetTo{Kind: engine.ToEarliest}, []record.Partition{{Topic: "orders", Index: 7}})
		require.ErrorIs(t, err, kafka.ErrUnknownTopic)
	})
}

// Previews, confirmations of previews however old, progress, pauses, other members, other
// administrators and retention, in an order drawn from a seed: a reset or an acceptance
// that succeeds has moved exactly what its preview announced, from where the preview saw
// it; one that is refused has moved nothing; and what is committed past was done, or lies
// in what a preview announced and its owner confirmed.
func TestOffsetsNeverMoveWhereNoPreviewSaid(t *testing.T) {
	var resets, acceptances atomic.Int32
	t.Cleanup(func() {
		require.Greater(t, resets.Load(), int32(20), "the seeds hold resets")
		require.Greater(t, acceptances.Load(), int32(20), "the seeds hold acceptances")
	})
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &mover{
					place: newPlace(t), draw: rand.New(rand.NewPCG(seed, 3)), written: map[int32]int64{}, start: map[int32]int64{},
					announced: [2]map[int64]bool{{}, {}},
				}
				require.NoError(t, w.fake.CreateTopic("orders", 2, nil))
				w.run()
				resets.Add(int32(w.counts[0]))
				acceptances.Add(int32(w.counts[2]))
				w.end()
			})
		})
	}
}

type mover struct {
	*place
	draw    *rand.Rand
	written map[int32]int64
	start   map[int32]int64
	enabled bool
	leave   func()
	plans   []engine.ResetPlan
	losses  []seenLoss
	counts  [4]int // resets done and refused, acceptances done and refused

	announced [2]map[int64]bool // offsets of each partition that a confirmed preview gave up
}

type seenLoss struct {
	token string
	list  []mapping.Loss
}

func (w *mover) run() {
	w.function("f")
	w.mapping(orders())
	w.enabled = true
	for range 60 {
		w.step()
		settle(time.Duration(1+w.draw.IntN(3000)) * time.Millisecond)
	}
	w.alone()
	w.passed()
	w.t.Logf("resets: %d done, %d refused; acceptances: %d done, %d refused", w.counts[0], w.counts[1], w.counts[2], w.counts[3])
}

func (w *mover) step() {
	switch w.draw.IntN(12) {
	case 0, 1:
		w.produce(w.draw.Int32N(2))
	case 2, 3:
		w.turn(!w.enabled)
	case 4:
		if w.leave == nil && !w.enabled { // a rebalance beside a commit would hang a bubble: see rig.Spec.AsideOfJoins
			w.leave = w.fake.Join(w.t, "g", "orders")
		} else {
			w.alone()
		}
	case 5:
		p := w.draw.Int32N(2)
		if w.draw.IntN(2) == 0 {
			w.turn(false) // what comes now is not read
			w.produce(p)
		}
		w.retain(p)
		w.turn(true)
		w.preview()
		w.confirm()
	case 6:
		if !w.enabled && w.leave == nil {
			w.fake.Commit(w.t, "g", "orders", map[int32]int64{w.draw.Int32N(2): 0})
		}
	case 7:
		w.turn(false) // as somebody who means to reset would
		w.preview()
	case 8:
		w.preview()
	default:
		w.confirm()
	}
}

// turn pauses the mapping or lets it go on.
func (w *mover) turn(on bool) {
	w.alone()
	w.enabled = on
	w.change(id, func(m *mapping.Mapping) { m.Enabled = on })
	settle(5 * time.Second)
}

// alone ends the other member.
func (w *mover) alone() {
	if w.leave != nil {
		w.leave()
		w.leave = nil
	}
}

func (w *mover) produce(p int32) {
	kafkatest.ProduceValues(w.t, w.fake, "orders", p, "x", "y")
	w.written[p] += 2
}

// retain removes records that may not have been read.
func (w *mover) retain(p int32) {
	if room := w.written[p] - w.start[p]; room > 0 {
		w.start[p] += 1 + w.draw.Int64N(room)
		w.fake.Retain(w.t, "orders", p, w.start[p])
	}
}

func (w *mover) preview() {
	to := []engine.ResetTo{{Kind: engine.ToEarliest}, {Kind: engine.ToLatest}, {Kind: engine.ToShift, N: -2}, {Kind: engine.ToShift, N: 1}}[w.draw.IntN(4)]
	if plan, err := w.engine.PreviewReset(w.t.Context(), id, to, nil); err == nil {
		w.plans = append(w.plans, plan)
	}
	if list, token, err := w.engine.PreviewLoss(w.t.Context(), id, nil); err == nil {
		w.losses = append(w.losses, seenLoss{token, list})
	}
}

func (w *mover) confirm() {
	before := w.fake.Committed("g", "orders")
	if n := len(w.losses); n > 0 && w.draw.IntN(2) == 0 {
		at := n - 1
		if w.draw.IntN(2) == 0 {
			at = w.draw.IntN(n)
		}
		w.accept(w.losses[at])
		return
	}
	if len(w.plans) == 0 {
		return
	}
	at := w.draw.IntN(len(w.plans))
	if w.draw.IntN(2) == 0 {
		at = len(w.plans) - 1
	}
	plan := w.plans[at]
	_, err := w.engine.Reset(w.t.Context(), id, plan.Token, w.by)
	after := w.fake.Committed("g", "orders")
	if err != nil {
		w.counts[1]++
		if !w.enabled && w.leave == nil { // nobody else moves them
			require.Equal(w.t, before, after, "a refusal moves nothing: %v", err)
		}
		return
	}
	w.counts[0]++
	want := maps.Clone(before)
	for _, m := range plan.Moves {
		if m.Committed >= 0 {
			require.Equal(w.t, m.Committed, before[m.Partition])
		} else {
			require.NotContains(w.t, before, m.Partition)
		}
		want[m.Partition] = m.New
		w.announce(m.Partition, m.Old, m.New)
	}
	require.Equal(w.t, want, after)
}

// announce notes that a partition's owner gave offsets up, from one to before another.
func (w *mover) announce(partition int32, from, to int64) {
	for o := from; o < to; o++ {
		w.announced[partition][o] = true
	}
}

// passed holds that whatever is committed past was done, or was announced.
func (w *mover) passed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, committed := range w.fake.Committed("g", "orders") {
		for o := range committed {
			done := w.done[record.Partition{Topic: "orders", Index: p}][o]
			require.True(w.t, done || w.announced[p][o], "offset %d of orders-%d is committed past, and neither was it done nor did a preview name it", o, p)
		}
	}
}

func (w *mover) accept(seen seenLoss) {
	before := w.fake.Committed("g", "orders")
	accepted, err := w.engine.AcceptLoss(w.t.Context(), id, seen.token, nil, w.by)
	if err != nil {
		w.counts[3]++
		for p, offset := range w.fake.Committed("g", "orders") {
			require.GreaterOrEqual(w.t, offset, before[p], "a refusal sets nothing back: %v", err)
		}
		return
	}
	w.counts[2]++
	require.Len(w.t, accepted, len(seen.list))
	for i := range accepted {
		accepted[i].Since = seen.list[i].Since // the same loss may have been found again
	}
	require.Equal(w.t, seen.list, accepted)
	settle(5 * time.Second) // the new beginning is committed by the member that joins
	after := w.fake.Committed("g", "orders")
	for _, l := range accepted {
		require.Equal(w.t, l.Last+1, l.Resume)
		require.LessOrEqual(w.t, before[l.Partition], l.First)
		require.GreaterOrEqual(w.t, after[l.Partition], l.Resume)
		w.announce(l.Partition, l.First, l.Resume)
	}
}
