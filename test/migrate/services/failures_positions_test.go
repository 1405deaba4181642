package services_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// What may happen to positions while they are handed over.

// hanging commits offsets of the old group in a transaction that stays open until abort.
func (w *world) hanging(id string, offset int64) (abort func()) {
	p, err := kafka.NewProducer(kafka.Cluster{Brokers: w.c.Brokers()})
	require.NoError(w.t, err)
	begun, released, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	tx := p.Transactor(kafka.TransactorConfig{ID: id, Timeout: time.Minute, Between: func() { close(begun); <-released }})
	go func() {
		over <- tx.Commit(context.Background(), kafka.Transaction{
			Records: []record.Output{{Topic: w.old.outputs, Value: []byte(`{"by":"nobody","from":"nowhere"}`)}}, Group: w.plan.Service.Group, Generation: -1,
			Offsets: map[record.Partition]record.Offset{{Topic: w.old.topic}: {At: offset, Epoch: -1}},
		})
	}()
	select {
	case <-begun:
	case err := <-over:
		require.FailNow(w.t, "it was to hang", "%v", err)
	}
	return func() {
		next := p.Transactor(kafka.TransactorConfig{ID: id, Timeout: time.Minute})
		require.NoError(w.t, next.Ready(context.Background())) // as the process that is started again does
		next.Close()
		close(released)
		require.Error(w.t, <-over)
		tx.Close()
		p.Close()
	}
}

func offsetsInAnOpenTransaction(w *world) {
	id, group := "tx-"+w.old.topic, w.plan.Service.Group
	abort := w.hanging(id, w.committed(group)[0])
	w.refused("offsets of the group are part of an open transaction: " + id + " (Ongoing since ")
	abort()

	var at int64
	aborted := make(chan struct{})
	w.stopped = func() {
		at = w.committed(group)[0]
		abort := w.hanging(id, at+1_000_000)
		go func() {
			defer close(aborted)
			for !w.told.has("the positions of group " + group + " wait for an open transaction: " + id) {
				pause(context.Background(), 50*time.Millisecond)
			}
			pause(context.Background(), 3*time.Second)
			abort()
		}()
	}
	proof := w.cutover()
	<-aborted
	require.Greater(w.t, proof.Pause, 3*time.Second, "it waits, and never commits over it")
	require.Equal(w.t, at, proof.Seams[0].OldEnd)
	w.judge(w.plan.NewGroup())
}

// A partition that nobody has read begins at its oldest record, wherever the old service
// would have begun.
func partitionAdded(w *world) {
	w.plan.Service.NoPosition = plan.ResetLatest
	w.stopped = func() {
		w.c.AddPartitions(w.t, w.old.topic, 5)
		client := w.c.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for range 3 {
			require.NoError(w.t, client.ProduceSync(context.Background(), &kgo.Record{Topic: w.old.topic, Partition: 4, Value: []byte("{}")}).FirstErr())
		}
	}
	proof := w.cutover()
	require.Len(w.t, proof.Seams, 5)
	require.EqualValues(w.t, 0, proof.Seams[4].NewStart)
	w.load.rest()[4] = 3
	w.judge(w.plan.NewGroup())
}

// An empty group's positions expire on the broker: the journal has them still.
func expired(w *world) {
	w.plan.Rollback = plan.Replay
	proof := w.cutover()
	w.await("the positions to expire", func() bool { return len(w.committed(w.plan.Service.Group)) == 0 })
	back := w.rollback()
	for i, s := range back.Seams {
		require.Equal(w.t, proof.Seams[i].OldEnd, s.NewStart, "it begins where it ended")
		for at := s.NewStart; at < s.OldEnd; at++ {
			w.twice[fmt.Sprintf("%d/%d", s.Partition, at)] = true // a replay says so
		}
	}
	w.judge(w.plan.Service.Group)
}

// The group is gone altogether, by an administrator's hand, and the plan goes on instead of
// replaying.
func deleted(w *world) {
	proof := w.cutover()
	w.c.Expire(w.t, w.plan.Service.Group)
	require.Empty(w.t, w.committed(w.plan.Service.Group))
	back := w.rollback()
	for i, s := range back.Seams {
		require.True(w.t, s.Holds(), "%+v", s)
		require.GreaterOrEqual(w.t, s.NewStart, proof.Seams[i].OldEnd)
	}
	w.judge(w.plan.Service.Group)
}

func retention(w *world) {
	group := w.plan.Service.Group
	w.configure("retention.ms", "60000")
	w.refused("retention reaches the group's position in")
	w.configure("retention.ms", "604800000")
	require.NoError(w.t, w.old.stop())
	at := w.committed(group)[0]
	w.await("more records", func() bool {
		_, ends, err := w.admin.Bounds(w.t.Context(), w.old.topic, false)
		return err == nil && ends[0] >= at+7
	})
	w.c.Retain(w.t, w.old.topic, 0, at+7)
	w.refused(fmt.Sprintf("the group stands at %d and the log begins at %d: retention has removed 7 records it has not read", at, at+7))
	require.Equal(w.t, at, w.committed(group)[0])
}

func (w *world) configure(name, value string) {
	w.t.Helper()
	done, err := w.c.Admin(w.t).AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: name, Value: kadm.StringPtr(value)}}, w.old.topic)
	require.NoError(w.t, err)
	_, err = done.On(w.old.topic, nil)
	require.NoError(w.t, err)
}

// Timestamps may say what they want: no position is found by them. Some lie among what the
// old service reads, and some are the first that the functions get.
func clocksThatLie(w *world) {
	w.configure("message.timestamp.after.max.ms", "9223372036854775807")
	lie := func() {
		client := w.c.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for i := range 40 {
			r := &kgo.Record{Topic: w.old.topic, Partition: int32(i % 4), Value: []byte("{}"), Timestamp: time.Date(2100-3*i, 1, 1, 0, 0, 0, 0, time.UTC)}
			require.NoError(w.t, client.ProduceSync(context.Background(), r).FirstErr())
		}
	}
	lie()
	w.await("the old service to be past them", func() bool { return w.lag(w.plan.Service.Group) < 50 })
	w.stopped = lie
	w.cutover()
	w.rollback()
	w.stopped = nil
	w.cutover()
	w.judge(w.plan.NewGroup())
}
