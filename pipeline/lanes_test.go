package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
	"gantry/pipeline"
)

// keyed makes records with many keys, none of which has a large share.
func keyed(n int) []*kgo.Record {
	var out []*kgo.Record
	for i := range n {
		out = append(out, &kgo.Record{Key: fmt.Appendf(nil, "customer %d", i%4999), Value: []byte("{}")})
	}
	return out
}

// takes is a function that is done after d.
func takes(d time.Duration) rig.Answer {
	return func(ctx context.Context, _ rig.Call) function.Outcome {
		select {
		case <-time.After(d):
			return rig.OK()
		case <-ctx.Done():
			return function.Outcome{Class: function.Unknown, Message: "cut"}
		}
	}
}

// Sixteen lanes of one partition do at least twelve times the work of one, at 5 ms an
// invocation and ten records each, in order per key. The witness sees to the order, to
// each key being in one event at a time, and to every commit.
func TestSixteenLanesDoTheWorkOfTwelve(t *testing.T) {
	const n = 3200
	elapsed := map[int]time.Duration{}
	for _, lanes := range []int{1, 16} {
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rig.New(t, 1)
				r.Produce(keyed(n)...)
				m := starting(map[int32]int64{0: 0})
				m.BatchSize, m.Lanes = 10, mapping.Lanes{PerPartition: lanes}
				p := r.Start(rig.Spec{Mapping: m, Answer: takes(5 * time.Millisecond), Parallel: 100})
				began := time.Now()
				for r.Open() > 0 {
					time.Sleep(time.Millisecond)
				}
				elapsed[lanes] = time.Since(began)
				require.NoError(t, p.Stop())
				require.Equal(t, map[int32]int64{0: n}, r.Fake.Committed(rig.Group, rig.Topic))
				r.Check(t)
			})
		})
	}
	ratio := elapsed[1].Seconds() / elapsed[16].Seconds()
	t.Logf("1 lane %s, 16 lanes %s: %.1f times", elapsed[1], elapsed[16], ratio)
	require.GreaterOrEqual(t, ratio, 12.0)
}

// A record that fails holds its lane until the span of its partition is full; then the
// partition takes no more, is paused, and goes on when the record is resolved.
func TestAFullSpanStopsItsPartitionUntilItsHeadIsResolved(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		const most = 250
		r.Span = most
		var f poison
		f.set(true, "0/0")
		m := starting(map[int32]int64{0: 0})
		m.BatchSize, m.Lanes = 10, mapping.Lanes{PerPartition: 16}
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer, Span: pipeline.Bound{Records: most, Bytes: 64 << 20}})
		for range 8 {
			large := keyed(250)
			for _, rec := range large {
				rec.Value = make([]byte, 4000)
			}
			r.Produce(large...)
			pass(5 * time.Second)
		}
		l := p.Pipe.Snapshot().Lanes[0]
		require.Equal(t, []any{int64(0), int64(0), true, true, 16, 1}, []any{l.Committed, l.At, l.Span.Full, l.Paused, l.Lanes, len(l.Stands)})
		require.InDelta(t, most, l.Span.Records, 1)
		require.Less(t, r.Open(), 2000-150, "the other lanes went on")
		require.Greater(t, r.Open(), 2000-most)
		f.set(false, "0/0")
		pass(time.Minute)
		require.Equal(t, map[int32]int64{0: 2000}, r.Fake.Committed(rig.Group, rig.Topic))
		l = p.Pipe.Snapshot().Lanes[0]
		require.Equal(t, []any{int64(0), false, false}, []any{l.Span.Records, l.Span.Full, l.Paused})
		require.NoError(t, p.Stop())
	})
}

// The bytes of the span are bounded as well.
func TestASpanIsFullByItsBytesToo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var f poison
		f.set(true, "0/0")
		m := starting(map[int32]int64{0: 0})
		m.Lanes = mapping.Lanes{PerPartition: 4}
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer, Span: pipeline.Bound{Records: 1000, Bytes: 100_000}})
		large := keyed(300)
		for _, rec := range large {
			rec.Value = make([]byte, 1000)
		}
		r.Produce(large...)
		pass(10 * time.Second)
		l := p.Pipe.Snapshot().Lanes[0]
		require.True(t, l.Span.Full)
		require.InDelta(t, 100_000, l.Span.Bytes, 1200)
		require.Equal(t, 300, l.Waiting+l.InHand+len(fates(r, 0, rig.Succeeded)))
		f.set(false, "0/0")
		pass(time.Minute)
		require.Equal(t, map[int32]int64{0: 300}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}

// A record in a lane that stands is skipped while the others go on, also where it is not
// the first unresolved one of its partition.
func TestSkipInOneLaneWhileOthersWork(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var f poison
		f.set(true, "0/3", "0/8")
		m := starting(map[int32]int64{0: 0})
		m.BatchSize, m.Lanes = 1, mapping.Lanes{PerPartition: 4}
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer})
		produce := func() {
			var list []*kgo.Record
			for i := range 12 {
				list = append(list, &kgo.Record{Key: []byte([]string{"a", "c", "f", "k"}[i%4]), Value: []byte("{}")})
			}
			r.Produce(list...)
		}
		produce()
		pass(5 * time.Second)
		l := p.Pipe.Snapshot().Lanes[0]
		require.Len(t, l.Stands, 2)
		require.Equal(t, []int64{3, 8}, []int64{l.ByStand()[0].At, l.ByStand()[1].At})

		_, err := p.Pipe.PreviewSkip(skipOf(0, true, pipeline.Span{First: 4, Last: 4}))
		require.ErrorIs(t, err, pipeline.ErrNotInHand)
		one := skipOf(0, true, pipeline.Span{First: 8, Last: 8})
		v, err := p.Pipe.PreviewSkip(one)
		require.NoError(t, err)
		require.EqualValues(t, []int64{3, 3}, []int64{v.Resume, v.After})
		produce() // the lanes that do not stand go on meanwhile: that is no change
		pass(time.Second)
		one.Token = v.Token
		_, err = p.Pipe.Skip(t.Context(), one)
		require.NoError(t, err)
		pass(5 * time.Second)
		require.Equal(t, []int64{8}, fates(r, 0, rig.GivenUp))
		require.Equal(t, map[int32]int64{0: 3}, r.Fake.Committed(rig.Group, rig.Topic))

		other := skipOf(0, true, pipeline.Span{First: 3, Last: 3})
		v, err = p.Pipe.PreviewSkip(other)
		require.NoError(t, err)
		other.Token = v.Token
		_, err = p.Pipe.Skip(t.Context(), other)
		require.NoError(t, err)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 24}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}
