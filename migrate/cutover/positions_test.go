package cutover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
)

// What may happen to positions while they are handed over.

// transaction commits offsets of the old group in a transaction that stays open for a while.
func (w *world) transaction(open time.Duration, offset int64) (ended chan error) {
	p, err := kafka.NewProducer(kafka.Cluster{Brokers: w.fake.Brokers(), Dial: w.fake.Dial, Mechanism: kafka.Plain, Login: func(context.Context) (kafka.Login, error) {
		return kafka.Login{User: "gantry", Password: "pw"}, nil
	}})
	require.NoError(w.t, err)
	over := make(chan error, 1)
	begun := make(chan struct{})
	tx := p.Transactor(kafka.TransactorConfig{ID: "tx-1", Timeout: time.Minute, Between: func() { close(begun); time.Sleep(open) }})
	go func() {
		defer p.Close()
		defer tx.Close()
		over <- tx.Commit(context.Background(), kafka.Transaction{
			Records: []record.Output{{Topic: "invoices", Value: []byte("x")}}, Group: oldGroup, Generation: -1,
			Offsets: map[record.Partition]record.Offset{{Topic: topic}: {At: offset, Epoch: -1}},
		})
	}()
	<-begun
	return over
}

func TestOffsetsInAnOpenTransaction(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.old.stop()
		w.rest()
		at := w.committed(oldGroup)[0]
		ended := w.transaction(20*time.Second, at)
		w.refusedCut("offsets of the group are part of an open transaction")
		require.NoError(w.t, <-ended)

		hook := w.hook
		w.edit = func(c *cutover.Config) {
			c.Hook = func(ctx context.Context, command []string, env map[string]string) error {
				if command[0] == "stop-billing" {
					ended = w.transaction(12*time.Second, at)
				}
				return hook(ctx, command, env)
			}
		}
		proof := w.mustCut()
		require.NoError(w.t, <-ended)
		require.Greater(w.t, proof.Pause, 12*time.Second, "it waits, and never commits over it")
		require.True(w.t, w.saidAny("the positions of group billing wait for an open transaction"))
		require.Equal(w.t, at, proof.Seams[0].OldEnd)
	})
}

func TestAPartitionIsAddedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, way := range []plan.Reset{plan.ResetEarliest, plan.ResetLatest} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.plan.Service.NoPosition = way
				w.running()
				hook := w.hook
				w.edit = func(c *cutover.Config) {
					c.Hook = func(ctx context.Context, command []string, env map[string]string) error {
						err := hook(ctx, command, env)
						w.grow()
						return err
					}
				}
				proof := w.mustCut()
				require.Len(w.t, proof.Seams, partitions+1)
				require.EqualValues(w.t, 0, proof.Seams[partitions].NewStart, "a new partition begins at its oldest record")
				w.settled(w.plan.NewGroup())
				w.judge(tail(proof))
			})
		})
	}
}

func (w *world) grow() {
	done, err := w.kadm().UpdatePartitions(context.Background(), partitions+1, topic)
	require.NoError(w.t, errors.Join(err, done.Error()))
	cl := w.fake.Client(w.t, login("gantry"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond))
	for range 3 {
		r := &kgo.Record{Topic: topic, Partition: partitions, Value: []byte("x")}
		require.NoError(w.t, cl.ProduceSync(context.Background(), r).FirstErr())
		w.mu.Lock()
		w.sent[id(topic, partitions, r.Offset)] = true
		w.mu.Unlock()
	}
}

// After a week in which it was empty the old group has expired: the journal has its positions.
func TestTheOldGroupExpired(t *testing.T) {
	t.Parallel()
	for _, way := range []plan.Rollback{plan.Resume, plan.Replay} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.plan.Rollback = way
				w.running()
				proof := w.mustCut()
				gone, err := w.kadm().DeleteGroup(w.t.Context(), oldGroup)
				require.NoError(w.t, errors.Join(err, gone.Err))
				require.Empty(w.t, w.committed(oldGroup))
				back, err := w.protocol().Rollback(w.t.Context(), "")
				require.NoError(w.t, err)
				twice := tail(proof)
				for _, s := range back.Seams {
					if way == plan.Replay {
						twice[record.Partition{Topic: s.Topic, Index: s.Partition}] = [2]int64{s.NewStart, s.OldEnd}
					}
				}
				w.settled(oldGroup)
				w.judge(twice)
			})
		})
	}
}

func TestTheFunctionsCantTakeOver(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.new.faults = []string{"the mapping resets positions that are missing (auto.offset.reset=latest): only none may be", "Read on topic orders is not allowed"}
		w.refusedCut("auto.offset.reset=latest", "Read on topic orders is not allowed", "2 faults")
	})
}

func TestRetentionHasPassedTheGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.old.stop()
		time.Sleep(10 * time.Second)
		to := kadm.Offsets{}
		to.AddOffset(topic, 0, w.committed(oldGroup)[0]+7, -1)
		_, err := w.kadm().DeleteRecords(w.t.Context(), to)
		require.NoError(w.t, err)
		w.refusedCut("retention has removed 7 records it has not read")
	})
}

func TestRetentionIsAboutToPassTheGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, err := w.kadm().AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: kadm.StringPtr("40000")}}, topic)
		require.NoError(w.t, err)
		w.running()
		w.refusedCut("retention reaches the group's position in", "keep the topic's records longer")
	})
}
