package rig

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/pipeline/deliver"
)

// Owed names what must be written for a record that succeeded: "TOPIC VALUE" each, the same
// whoever asks.
type Owed func(partition int32, offset int64) []string

// outputs is what the witness knows of the topics that answers and dead letters go to. It
// sees each produce request that no test refuses, so it may take a record for written that
// the cluster itself refused: the log has the last word, at the end.
type outputs struct {
	owed    Owed
	letters string              // their topic, where they are part of transactions
	topics  map[[16]byte]string // by id
	there   map[string]bool     // committed
	open    map[string]map[string]bool
	writers map[string]*writer // by transactional id
	watch   *kfake.FaultHandle
}

// writer is who writes under a transactional id. What comes late from the one before is
// refused by the cluster, so it counts for nothing.
type writer struct {
	id     int64
	newest int16 // epoch seen
	past   int16 // epochs up to it are over
}

// current says whether a request is of the writer that counts, and notes it.
func (o *outputs) current(transaction string, id int64, epoch int16) bool {
	w := o.writers[transaction]
	if w == nil || w.id != id {
		w = &writer{id: id, past: -1}
		o.writers[transaction] = w
	}
	w.newest = max(w.newest, epoch)
	return epoch > w.past
}

// WatchOutputs makes answers part of the account: no commit may pass a record whose answers
// are not written, or not part of the same transaction. letters is the topic of dead letters
// that are records of a transaction; "" where they are written by themselves. The topics
// must be there. Call it before Start.
func (r *Rig) WatchOutputs(owed Owed, letters string, topics ...string) {
	o := &outputs{owed: owed, letters: letters, topics: map[[16]byte]string{}, there: map[string]bool{}, open: map[string]map[string]bool{}, writers: map[string]*writer{}}
	for _, name := range topics {
		o.topics[r.Fake.TopicInfo(name).TopicID] = name
	}
	r.outputs = o
	see := func(key kmsg.Key, when func(kmsg.Request)) {
		r.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Count: -1, Observe: true, When: func(req kmsg.Request) bool { when(req); return true }})
	}
	see(kmsg.TxnOffsetCommit, func(req kmsg.Request) { r.transactional(req.(*kmsg.TxnOffsetCommitRequest)) })
	see(kmsg.EndTxn, func(req kmsg.Request) { r.end(req.(*kmsg.EndTxnRequest)) })
	see(kmsg.InitProducerID, func(req kmsg.Request) { r.begin(req.(*kmsg.InitProducerIDRequest)) })
	r.watchProduces()
}

// FailOutputs answers the next n produce requests that carry a topic with err.
func (r *Rig) FailOutputs(topic string, n int, err *kerr.Error) *kfake.FaultHandle {
	h := r.Fake.FailProduces(topic, n, err)
	r.watchProduces()
	return h
}

// watchProduces looks at what is produced behind every fault there is: the first that
// matches answers.
func (r *Rig) watchProduces() {
	if r.outputs.watch != nil {
		r.outputs.watch.Remove()
	}
	var faults []kfake.Fault
	for _, name := range r.outputs.topics {
		faults = append(faults, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: name, Count: -1, Observe: true, When: func(req kmsg.Request) bool {
			r.carried(name, req.(*kmsg.ProduceRequest))
			return true
		}})
	}
	r.outputs.watch = r.Fake.Fault(faults...)
}

// carried notes the records of a topic in a request.
func (w *Witness) carried(topic string, req *kmsg.ProduceRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	into := w.outputs.there
	if req.TransactionID != nil {
		if into = w.outputs.open[*req.TransactionID]; into == nil {
			into = map[string]bool{}
			w.outputs.open[*req.TransactionID] = into
		}
	}
	for _, t := range req.Topics {
		if t.Topic != topic && w.outputs.topics[t.TopicID] != topic {
			continue
		}
		for _, p := range t.Partitions {
			fetched := kmsg.NewFetchResponseTopicPartition()
			fetched.RecordBatches = slices.Clone(p.Records)
			fetched.HighWatermark = 1 << 40
			got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: p.Partition}, &fetched, kgo.DefaultDecompressor(), nil)
			for _, rec := range got.Records {
				if req.TransactionID == nil || w.outputs.current(*req.TransactionID, rec.ProducerID, rec.ProducerEpoch) {
					into[nameOf(rec)] = true
				}
			}
		}
	}
}

// nameOf names a record: an answer by its value, a dead letter by the record it is about.
func nameOf(rec *kgo.Record) string {
	about := map[string]string{}
	for _, h := range rec.Headers {
		about[h.Key] = string(h.Value)
	}
	if at, ok := about[deliver.HeaderOffset]; ok {
		return fmt.Sprintf("%s %s/%s", rec.Topic, about[deliver.HeaderPartition], at)
	}
	return rec.Topic + " " + string(rec.Value)
}

// begin forgets what was open under an id: it is aborted.
func (w *Witness) begin(req *kmsg.InitProducerIDRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.TransactionalID == nil {
		return
	}
	delete(w.outputs.open, *req.TransactionalID)
	if before := w.outputs.writers[*req.TransactionalID]; before != nil {
		before.past = before.newest
	}
}

func (w *Witness) end(req *kmsg.EndTxnRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.outputs.current(req.TransactionalID, req.ProducerID, req.ProducerEpoch) {
		return
	}
	if req.Commit {
		maps.Copy(w.outputs.there, w.outputs.open[req.TransactionalID])
	}
	delete(w.outputs.open, req.TransactionalID)
}

func (w *Witness) transactional(req *kmsg.TxnOffsetCommitRequest) {
	w.mu.Lock()
	current := w.outputs.current(req.TransactionalID, req.ProducerID, req.ProducerEpoch)
	w.mu.Unlock()
	if !current {
		return
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			w.pass(p.Partition, p.Offset, req.TransactionalID)
		}
	}
}

// resolved says whether a commit may pass a record; id is the transaction it is part of.
func (w *Witness) resolved(partition int32, e *Entry, id string) bool {
	o := w.outputs
	if o == nil || e.Fate == Unresolved || e.Fate == Filtered {
		return e.Fate != Unresolved
	}
	written := func(name string) bool { return o.there[name] || o.open[id][name] }
	switch {
	case e.Dropped:
		return true
	case e.Lettered && (o.letters == "" || written(o.letter(partition, e.Offset))):
		return true
	case e.Successes == 0:
		return false
	}
	return !slices.ContainsFunc(o.owed(partition, e.Offset), func(name string) bool { return !written(name) })
}

func (o *outputs) letter(partition int32, offset int64) string {
	return fmt.Sprintf("%s %d/%d", o.letters, partition, offset)
}

// writable is a second reading of an answer, independent of the pipeline's: whether its
// records can be written as they are.
func writable(answer []byte) bool {
	var doc struct {
		Records map[string][]map[string]any `json:"records"`
	}
	if len(answer) > 0 && json.Unmarshal(answer, &doc) != nil {
		return false
	}
	for _, list := range doc.Records {
		for _, rec := range list {
			text, _ := rec["value"].(string)
			if _, err := base64.StdEncoding.DecodeString(text); err != nil {
				return false
			}
		}
	}
	return true
}
