package simulation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

// The topics of answers. The key chooses the partition in the first, the answer in the second.
const (
	answers = "answers"
	copies  = "copies"
)

// drawOutput makes answers records in two runs of three: plainly, or in transactions.
func (w *world) drawOutput() {
	for _, topic := range []string{answers, copies} {
		require.NoError(w.t, w.r.Fake.CreateTopic(topic, 2, nil))
	}
	kind := w.draw.IntN(3)
	if kind == 0 {
		return
	}
	w.m.Output = &mapping.Output{Topic: answers, Topics: []string{copies}, Transactional: kind == 2}
	letters := ""
	if kind == 2 {
		w.m.Output.Timeout = []time.Duration{5 * time.Second, 40 * time.Second}[w.draw.IntN(2)] // a session is 10 s
		letters = deadLetters
	}
	w.r.WatchOutputs(owed, letters, answers, copies, deadLetters)
}

// owed names what is written for a record: nothing, one answer, or one to each topic.
func owed(partition int32, offset int64) []string {
	topics := []string{answers, copies}[:(int64(partition)+offset)%3]
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = fmt.Sprintf("%s %d/%d", topic, partition, offset)
	}
	return names
}

// output is a record of an answer.
type output struct {
	Key       string `json:"key,omitempty"`
	Value     string `json:"value"`
	Partition *int64 `json:"partition,omitempty"`
}

// withRecords adds the records of an event to an answer, without those it lets fail.
func withRecords(c rig.Call, out function.Outcome, partial bool) function.Outcome {
	var answer struct {
		Records  map[string][]output `json:"records"`
		Failures []struct {
			Item struct {
				Partition string `json:"partition"`
				Offset    int64  `json:"offset"`
			} `json:"itemIdentifier"`
		} `json:"batchItemFailures,omitempty"`
	}
	if out.Class != function.Succeeded || len(out.Answer) > 0 && json.Unmarshal(out.Answer, &answer) != nil {
		return out
	}
	answer.Records = map[string][]output{}
	for _, partition := range c.Partitions() {
		records := c.Event.Records[fmt.Sprintf("%s-%d", rig.Topic, partition)]
		for _, rec := range records {
			failed := false
			for _, f := range answer.Failures {
				failed = failed || partial && f.Item.Partition == fmt.Sprintf("%s-%d", rig.Topic, partition) && f.Item.Offset == rec.Offset
			}
			if failed {
				continue
			}
			value := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", partition, rec.Offset))
			for i := range owed(partition, rec.Offset) {
				o := output{Key: rec.Key, Value: value}
				if i == 1 {
					o.Partition = new(int64(partition) % 2)
				}
				topic := []string{answers, copies}[i]
				answer.Records[topic] = append(answer.Records[topic], o)
			}
		}
	}
	out.Answer, _ = json.Marshal(answer)
	return out
}

// spoiled is an answer of which one record can't be written.
func spoiled(c rig.Call, out function.Outcome) function.Outcome {
	out = withRecords(c, out, false)
	var answer struct {
		Records map[string][]output `json:"records"`
	}
	if json.Unmarshal(out.Answer, &answer) != nil {
		return out
	}
	answer.Records[answers] = append(answer.Records[answers], output{Value: "no base64!"})
	out.Answer, _ = json.Marshal(answer)
	return out
}

// failAnswers lets brokers refuse what is written: some of it was written all the same, and
// some of it never will be.
func (w *world) failAnswers() {
	if w.m.Output == nil {
		return
	}
	errs := []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicasAfterAppend, kerr.TopicAuthorizationFailed, kerr.KafkaStorageError, kerr.InvalidRecord}
	err := errs[w.draw.IntN(len(errs))]
	n := 1 + w.draw.IntN(5)
	if err == kerr.InvalidRecord && !w.m.Transactional() {
		w.upheaval += n // the function's failure: it is invoked again
	}
	h := w.r.FailOutputs([]string{answers, copies}[w.draw.IntN(2)], n, err)
	w.undo = append(w.undo, h.Remove)
}

// loseEnds lets the brokers' answers to a step of a transaction, or to a write, be lost.
func (w *world) loseEnds() {
	keys := []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.InitProducerID, kmsg.AddOffsetsToTxn, kmsg.Produce}
	key, n := keys[w.draw.IntN(len(keys))], 1+w.draw.IntN(2)
	if w.draw.IntN(3) == 0 && key != kmsg.Produce { // more than a client tries: it has to find out
		n = 40
		w.upheaval++ // nothing is answered meanwhile
	}
	w.r.Fake.LoseAnswers(key, n)
}

// between disturbs a process now and then when the offsets are part of its transaction and
// the end is not asked for: its connections break, or it stands still until the broker has
// aborted the transaction.
func (m *moods) between(p *atomic.Pointer[rig.Process]) func() {
	return func() {
		m.mu.Lock()
		roll, calm := m.draw.IntN(20), m.calmed
		m.mu.Unlock()
		switch {
		case calm:
		case roll == 0:
			standStill(8 * time.Second)
		case roll == 1 && p.Load() != nil:
			p.Load().Host.Drop()
		}
	}
}

// closed says whether no transaction is open any more.
func (w *world) closed() bool {
	return !slices.ContainsFunc([]string{answers, copies, deadLetters}, func(topic string) bool {
		return slices.ContainsFunc(w.r.Fake.PartitionInfos(topic), func(p *kfake.PartitionInfo) bool { return p.LastStableOffset != p.HighWatermark })
	})
}
