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

// fanned runs a mapping to functions that each have a witness of their own.
func fanned(t *testing.T, names []string, body func(t *testing.T, r *rig.Rig, m mapping.Mapping)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rig.New(t, 1)
		m := starting(map[int32]int64{0: 0})
		m.Functions = nil
		for _, name := range names {
			m.Functions = append(m.Functions, mapping.Consumer{Function: name})
			r.Watch(name, nil)
		}
		body(t, r, m)
		r.Check(t)
	})
}

// but lets one function answer as it is told, and the others be content.
func but(name string, answer rig.Answer) rig.Answer {
	return func(ctx context.Context, c rig.Call) function.Outcome {
		if c.Function == name {
			return answer(ctx, c)
		}
		return rig.OK()
	}
}

// A function that fails for ever holds the others up at the bound of the uncommitted span and
// not before; what crosses the bound waits, and goes on when the record is resolved.
func TestAFunctionThatFailsHoldsTheOthersAtTheSpanOnly(t *testing.T) {
	fanned(t, []string{"good", "bad"}, func(t *testing.T, r *rig.Rig, m mapping.Mapping) {
		const most = 250
		var f poison
		f.set(true, "0/0")
		m.BatchSize = 10
		p := r.Start(rig.Spec{Mapping: m, Answer: but("bad", f.answer), Span: pipeline.Bound{Records: most, Bytes: 64 << 20}})
		for range 8 {
			large := keyed(250)
			for _, rec := range large {
				rec.Value = make([]byte, 4000)
			}
			r.Produce(large...)
			pass(5 * time.Second)
		}
		s := p.Pipe.Snapshot()
		l := s.Lanes[0]
		require.Equal(t, []any{int64(0), int64(0), true, true, 2, 1}, []any{l.Committed, l.At, l.Span.Full, l.Paused, l.Lanes, len(l.Stands)})
		require.Equal(t, "bad", l.Stands[0].Function)
		require.Equal(t, []pipeline.ReaderSnapshot{{Function: "good", Resume: most, Open: 0}, {Function: "bad", Resume: 0, Open: most}}, atMost(l.Readers, most))
		require.Equal(t, mapping.ProblemFunction, s.Result)
		require.Equal(t, "bad: told to fail", s.Detail)
		f.set(false, "0/0")
		pass(time.Minute)
		require.Equal(t, map[int32]int64{0: 2000}, r.Fake.Committed(rig.Group, rig.Topic))
		s = p.Pipe.Snapshot()
		require.Equal(t, []any{int64(0), false, false, int64(0), mapping.OK}, []any{s.Lanes[0].Span.Records, s.Lanes[0].Span.Full, s.Lanes[0].Paused, s.Held, s.Result})
		require.NoError(t, p.Stop())
	})
}

// atMost shows a reader that has got to the bound as being there: what lies behind it was
// polled and waits.
func atMost(readers []pipeline.ReaderSnapshot, most int64) []pipeline.ReaderSnapshot {
	for i := range readers {
		if readers[i].Open == 0 {
			readers[i].Resume = most
		}
	}
	return readers
}

// Records are held once, whatever the number of functions that want them, and let go when
// the last of them has resolved them.
func TestRecordsAreHeldOnce(t *testing.T) {
	held := map[int]int64{}
	for _, n := range []int{1, 3} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("f%d", i))
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rig.New(t, 1)
				m := starting(map[int32]int64{0: 0})
				m.Functions = nil
				for _, name := range names {
					m.Functions = append(m.Functions, mapping.Consumer{Function: name})
					r.Watch(name, nil)
				}
				p := r.Start(rig.Spec{Mapping: m, Answer: takes(time.Minute), Timeout: 2 * time.Minute})
				var records []*kgo.Record
				for range 100 {
					records = append(records, &kgo.Record{Value: make([]byte, 5000)})
				}
				r.Produce(records...)
				pass(10 * time.Second)
				held[n] = p.Pipe.Snapshot().Held
				pass(2 * time.Minute)
				require.Zero(t, p.Pipe.Snapshot().Held)
				require.NoError(t, p.Stop())
				r.Check(t)
			})
		})
	}
	require.Positive(t, held[1])
	require.Equal(t, held[1], held[3])
}

// A slow function does not slow the others: each has lanes and places of its own.
func TestASlowFunctionSlowsNoOther(t *testing.T) {
	fanned(t, []string{"fast", "slow"}, func(t *testing.T, r *rig.Rig, m mapping.Mapping) {
		m.BatchSize = 1
		p := r.Start(rig.Spec{Mapping: m, Answer: but("slow", takes(20*time.Second)), Parallel: 1, Timeout: time.Minute})
		r.Produce(records(0, 20)...)
		pass(5 * time.Second)
		readers := p.Pipe.Snapshot().Lanes[0].Readers
		require.EqualValues(t, []int64{20, 0}, []int64{readers[0].Resume, readers[1].Resume})
		require.Equal(t, map[int32]int64{0: 0}, r.Fake.Committed(rig.Group, rig.Topic))
		pass(20 * 20 * time.Second)
		require.Equal(t, map[int32]int64{0: 20}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}

// A skip names the function whose lane stands; where two stand on a record, which is meant
// must be said. The other functions go on with it.
func TestASkipOfOneFunction(t *testing.T) {
	fanned(t, []string{"good", "bad", "worse"}, func(t *testing.T, r *rig.Rig, m mapping.Mapping) {
		fails := map[string]bool{"bad": true, "worse": true}
		var f poison
		f.set(true, "0/2")
		p := r.Start(rig.Spec{Mapping: m, Answer: func(ctx context.Context, c rig.Call) function.Outcome {
			if fails[c.Function] {
				return f.answer(ctx, c)
			}
			return rig.OK()
		}})
		r.Produce(records(0, 4)...)
		pass(5 * time.Second)
		s := skipOf(0, true, pipeline.Span{First: 2, Last: 2})
		_, err := p.Pipe.PreviewSkip(s)
		require.ErrorIs(t, err, pipeline.ErrWhichFunction)
		require.ErrorContains(t, err, "bad, worse")
		s.Function = "nosuch"
		_, err = p.Pipe.PreviewSkip(s)
		require.ErrorIs(t, err, pipeline.ErrNoFunction)
		require.ErrorContains(t, err, "it has good, bad, worse")
		s.Function = "good"
		_, err = p.Pipe.PreviewSkip(s)
		require.ErrorIs(t, err, pipeline.ErrNotStanding)
		s.Function = "bad"
		v, err := p.Pipe.PreviewSkip(s)
		require.NoError(t, err)
		require.Equal(t, "bad", v.Function)
		require.EqualValues(t, []int64{0, 0}, []int64{v.Resume, v.After}, "worse still stands")
		s.Function, s.Token = "worse", v.Token
		_, err = p.Pipe.Skip(t.Context(), s)
		require.ErrorIs(t, err, pipeline.ErrChanged, "a token is of one function")
		s.Function = "bad"
		_, err = p.Pipe.Skip(t.Context(), s)
		require.NoError(t, err)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 0}, r.Fake.Committed(rig.Group, rig.Topic), "the other holds the commit")
		s.Function, s.Token = "", ""
		v, err = p.Pipe.PreviewSkip(s)
		require.NoError(t, err, "one is left that stands")
		require.Equal(t, "worse", v.Function)
		s.Token = v.Token
		_, err = p.Pipe.Skip(t.Context(), s)
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, map[int32]int64{0: 4}, r.Fake.Committed(rig.Group, rig.Topic))
		counts := p.Pipe.Snapshot().Functions
		require.EqualValues(t, []int64{0, 1, 1}, []int64{counts[0].Counts.Dropped.Load(), counts[1].Counts.Dropped.Load(), counts[2].Counts.Dropped.Load()})
		require.NoError(t, p.Stop())
	})
}

// A drain waits for the function that may take longest.
func TestADrainWaitsForTheSlowestFunction(t *testing.T) {
	fanned(t, []string{"fast", "slow"}, func(t *testing.T, r *rig.Rig, m mapping.Mapping) {
		p := r.Start(rig.Spec{Mapping: m, Answer: but("slow", takes(80*time.Second)), Timeout: time.Minute})
		r.Produce(records(0, 3)...)
		pass(5 * time.Second)
		began := time.Now()
		require.NoError(t, p.Stop())
		require.Greater(t, time.Since(began), 70*time.Second)
		require.Equal(t, map[int32]int64{0: 3}, r.Fake.Committed(rig.Group, rig.Topic))
	})
}
