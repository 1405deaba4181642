// Package rig runs whole pipelines (poller, loop, stages) against the in-memory cluster
// and watches them from outside.
//
// A Rig is one topic read by one group. Its Witness knows what was produced, sees every
// event a function is given, every answer, every dead letter and, at the broker, every
// commit before it is applied; whatever breaks a promise is noted as a fault. A Process
// is one member of the group, as one gantry process is for one mapping: it can be
// stopped, or killed with its cable cut.
//
// Use it inside a testing/synctest bubble.
package rig

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// The names every rig uses.
const (
	Topic = "orders"
	Group = "g"
)

// Rig is a cluster with a topic and the witness of what happens to its records.
type Rig struct {
	*Witness
	Fake  *kafkatest.Fake
	t     testing.TB
	write *kgo.Client

	watching sync.Mutex          // guards of
	of       map[string]*Witness // functions that have a witness of their own
}

// Watch gives a function of a mapping with several a witness of its own: what it was given,
// what became of it, and that no commit passes a record it has not resolved. What was
// produced before may reach it and need not. With such witnesses the rig's own is not asked.
func (r *Rig) Watch(name string, keep func(*kgo.Record) bool) *Witness {
	w := newWitness()
	w.Keep, w.Partial, w.Span, w.name = keep, r.Partial, r.Span, name+" "
	for _, old := range r.Witnesses() {
		w.after(old)
		break
	}
	r.watching.Lock()
	defer r.watching.Unlock()
	r.of[name] = w
	return w
}

// Leave says that a function was taken out of the mapping: nothing waits for it any more.
func (r *Rig) Leave(name string) {
	r.watching.Lock()
	defer r.watching.Unlock()
	delete(r.of, name)
}

// witness is the one of a function.
func (r *Rig) witness(name string) *Witness {
	r.watching.Lock()
	defer r.watching.Unlock()
	if w := r.of[name]; w != nil {
		return w
	}
	return r.Witness
}

// Witnesses are those of the functions, or the rig's own where none has one.
func (r *Rig) Witnesses() []*Witness {
	r.watching.Lock()
	defer r.watching.Unlock()
	if len(r.of) == 0 {
		return []*Witness{r.Witness}
	}
	return slices.Collect(maps.Values(r.of))
}

// New starts a cluster with the topic. Options change the cluster (kfake.Ports, …).
func New(t testing.TB, partitions int32, opts ...kfake.Opt) *Rig {
	t.Helper()
	f := kafkatest.Virtual(t, opts...)
	require.NoError(t, f.CreateTopic(Topic, partitions, map[string]string{"max.message.bytes": "20000000"}))
	r := &Rig{Witness: newWitness(), Fake: f, t: t, of: map[string]*Witness{}}
	r.write = f.NewHost().Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(16<<20))
	r.watchCommits()
	return r
}

// Produce writes records to the partitions they name and notes them.
func (r *Rig) Produce(records ...*kgo.Record) {
	r.t.Helper()
	for _, rec := range records {
		rec.Topic = Topic
	}
	for _, w := range r.Witnesses() {
		defer close(w.writing()) //nolint:revive,gocritic // all of them when the records are written
	}
	require.NoError(r.t, r.write.ProduceSync(context.Background(), records...).FirstErr())
	for _, w := range r.Witnesses() {
		w.Produced(records...)
	}
}
