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
}

// New starts a cluster with the topic. Options change the cluster (kfake.Ports, …).
func New(t testing.TB, partitions int32, opts ...kfake.Opt) *Rig {
	t.Helper()
	f := kafkatest.Virtual(t, opts...)
	require.NoError(t, f.CreateTopic(Topic, partitions, map[string]string{"max.message.bytes": "20000000"}))
	r := &Rig{Witness: newWitness(), Fake: f, t: t}
	r.write = f.NewHost().Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(16<<20))
	r.watchCommits(f)
	return r
}

// Produce writes records to the partitions they name and notes them.
func (r *Rig) Produce(records ...*kgo.Record) {
	r.t.Helper()
	for _, rec := range records {
		rec.Topic = Topic
	}
	written := r.writing()
	defer close(written)
	require.NoError(r.t, r.write.ProduceSync(context.Background(), records...).FirstErr())
	r.Produced(records...)
}
