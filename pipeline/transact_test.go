package pipeline_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

func TestATransactionHoldsAnswersAndOffsets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := writing(t, mapping.Output{Topic: "out", Transactional: true})
		r.Produce(append(produced(0, 10), produced(1, 7)...)...)
		p := r.Start(rig.Spec{Mapping: m, Answer: echo})
		time.Sleep(time.Second) // no transaction waits for anything but its time
		got := written(t, r, "out")
		require.Equal(t, numbered(0, 10), from(got, 0))
		require.Equal(t, numbered(1, 7), from(got, 1))
		require.Positive(t, p.Pipe.Counts().Transactions.Load())
		require.Zero(t, p.Pipe.Counts().Aborted.Load(), p.Pipe.Snapshot().Cause)
		require.NoError(t, p.Stop())
		require.Equal(t, map[int32]int64{0: 10, 1: 7}, r.Fake.Committed(rig.Group, rig.Topic))
		require.Zero(t, p.Pipe.Snapshot().Held)
		r.Check(t)
	})
}

// The process dies where it hurts most: the offsets are in the transaction, its end is not
// asked for. Whoever comes next writes each output once.
func TestADeathBetweenOffsetsAndEndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]string{"the same process": "one", "another process": "two"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, m := writing(t, mapping.Output{Topic: "out", Transactional: true})
				r.Produce(produced(0, 9)...)
				count, started, dead := 0, make(chan *rig.Process, 1), make(chan struct{})
				p := r.Start(rig.Spec{Mapping: m, Answer: echo, Between: func() {
					if count++; count == 2 {
						(<-started).Host.Cut()
						close(dead)
					}
				}})
				started <- p
				<-dead
				p.Kill()
				r.Produce(produced(0, 3)...)
				q := r.Start(rig.Spec{Name: next, Mapping: m, Answer: echo})
				time.Sleep(5 * time.Minute)
				require.Equal(t, numbered(0, 12), written(t, r, "out"))
				require.NoError(t, q.Stop())
				require.EqualValues(t, 12, r.Fake.Committed(rig.Group, rig.Topic)[0])
				r.Check(t)
			})
		})
	}
}

// The answer to EndTxn is lost: the transaction was committed, and is not made again. Its
// request is lost: it was not, and is. The function is invoked once either way.
func TestAnEndThatIsNotAnsweredIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := writing(t, mapping.Output{Topic: "out", Transactional: true})
		r.Produce(produced(0, 6)...)
		count := 0
		p := r.Start(rig.Spec{Mapping: m, Answer: echo, Between: func() {
			if count++; count == 1 {
				r.Fake.LoseAnswers(kmsg.EndTxn, 100)
			} else {
				r.Fake.LoseAnswers(kmsg.EndTxn, 0)
			}
		}})
		time.Sleep(10 * time.Minute)
		require.Equal(t, numbered(0, 6), written(t, r, "out"))
		require.EqualValues(t, 2, p.Pipe.Counts().Invocations.Load())
		require.NoError(t, p.Stop())
		r.Check(t)
	})
}

// Some records of a batch fail. What was answered for the others waits for them, so that no
// commit is in the middle of an answer.
func TestPartOfABatchWaitsForTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := writing(t, mapping.Output{Topic: "out", Transactional: true})
		m.PartialAnswers, m.BatchSize = true, 10
		r.Partial = true
		r.Produce(produced(0, 10)...)
		var healed atomic.Bool
		p := r.Start(rig.Spec{Mapping: m, Answer: func(_ context.Context, c rig.Call) function.Outcome {
			out := rig.OK()
			out.Answer = []byte(`{"records":{"out":[{"value":"` + "MC9y" + `"}]}}`)
			if c.Has(0, 3) && !healed.Load() {
				out.Answer = []byte(`{"records":{"out":[{"value":"MC9y"}]},"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":3}}]}`)
			}
			return out
		}})
		time.Sleep(time.Minute)
		require.Empty(t, written(t, r, "out"))
		require.Zero(t, r.Fake.Committed(rig.Group, rig.Topic)[0])
		healed.Store(true)
		time.Sleep(time.Minute)
		require.Len(t, written(t, r, "out"), 2)
		require.EqualValues(t, 10, r.Fake.Committed(rig.Group, rig.Topic)[0])
		require.NoError(t, p.Stop())
		r.Check(t)
	})
}

// A transaction ends when its time or its bytes are full. Where nothing is answered there is
// none: the offsets are committed plainly.
func TestATransactionIsBoundedAndNeverWithoutAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		output       mapping.Output
		answer       rig.Answer
		soon, behind int64 // transactions a second after the records came, and after the interval
	}{
		"by time":      {mapping.Output{Interval: 10 * time.Second}, echo, 1, 2},
		"by bytes":     {mapping.Output{Interval: 10 * time.Second, Bytes: 1}, echo, 2, 2},
		"no answers":   {mapping.Output{}, func(context.Context, rig.Call) function.Outcome { return rig.OK() }, 0, 0},
		"empty answer": {mapping.Output{}, func(context.Context, rig.Call) function.Outcome { return empty() }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.output.Topic, c.output.Transactional = "out", true
				r, m := writing(t, c.output)
				if c.behind == 0 { // no transaction can commit them
					defer r.Fake.Hold(kmsg.TxnOffsetCommit)()
				}
				p := r.Start(rig.Spec{Mapping: m, Answer: c.answer})
				r.Produce(produced(0, 3)...)
				time.Sleep(time.Second)
				r.Produce(produced(0, 3)...)
				time.Sleep(time.Second)
				require.Equal(t, c.soon, p.Pipe.Counts().Transactions.Load())
				time.Sleep(10 * time.Second)
				require.Equal(t, c.behind, p.Pipe.Counts().Transactions.Load())
				require.EqualValues(t, 6, r.Fake.Committed(rig.Group, rig.Topic)[0])
				require.NoError(t, p.Stop())
				r.Check(t)
			})
		})
	}
}

func empty() function.Outcome {
	out := rig.OK()
	out.Answer = []byte(`{"records":{}}`)
	return out
}
