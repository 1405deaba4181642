package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// ErrTooLarge is a record over what its topic takes. Nothing was written.
var ErrTooLarge = errors.New("the record is larger than the topic accepts")

// ErrInvalid is a record that the broker refuses for what it is: one without a key in a
// compacted topic, say.
var ErrInvalid = errors.New("the broker refuses the record")

// Message is a record to be written. A nil Key or Value is Kafka's null.
type Message struct {
	Key       []byte
	Value     []byte
	Headers   []record.Header
	Timestamp time.Time // zero = now
	Partition *int32    // nil = the key chooses, as Kafka's own producer does
}

// Producer writes records, each acknowledged by all in-sync replicas before Produce
// returns and written once however often its request is repeated. Safe for use by many
// goroutines.
type Producer struct {
	cluster  Cluster
	attempts attempts
	facts    sync.Map // topic → facts

	mu     sync.Mutex
	client *kgo.Client
	closed bool
}

// NewProducer makes a Producer without connecting. Close it.
func NewProducer(c Cluster) (*Producer, error) {
	p := &Producer{cluster: c}
	p.cluster.OnConnect = p.attempts.listen(c.OnConnect)
	client, err := p.open()
	if err != nil {
		return nil, fmt.Errorf("open a producer for %v: %w", c.Brokers, err)
	}
	p.client = client
	return p, nil
}

func (p *Producer) open() (*kgo.Client, error) {
	return kgo.NewClient(append(p.cluster.Options(),
		kgo.UnknownTopicRetries(1),
		kgo.ProducerBatchMaxBytesFn(p.limit),
		kgo.RecordPartitioner(partitioner()),
		kgo.ProducerLinger(0), // whoever writes here waits for it
		// Else a record that was sent once holds Produce until its broker is back,
		// whatever ctx says.
		kgo.AllowIdempotentProduceCancellation(),
	)...)
}

// current is the client in use.
func (p *Producer) current() *kgo.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client
}

// Close ends the connections. Records that are still on their way fail.
func (p *Producer) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.client.Close()
}

// Produce writes messages to a topic and waits until all are acknowledged or have
// failed. It gives the position of each; one that was not written has offset -1 and its
// reason in the error: ErrTooLarge, ErrUnknownTopic, *Denied, or what kept the brokers
// from answering until ctx ended.
func (p *Producer) Produce(ctx context.Context, topic string, messages ...Message) ([]record.Position, error) {
	client := p.current()
	_, _ = p.learn(ctx, client, topic) // what is not known has Kafka's defaults

	positions, err := produce(ctx, client, topic, messages)
	if errors.Is(err, kerr.ClusterAuthorizationFailed) {
		p.replace(client)
	}
	if err != nil {
		return positions, p.explain(topic, len(messages), err)
	}
	return positions, nil
}

// produce waits for every promise, also when ctx has ended: until then kgo may read the
// messages' bytes, which belong to the caller.
func produce(ctx context.Context, client *kgo.Client, topic string, messages []Message) ([]record.Position, error) {
	positions := make([]record.Position, len(messages))
	errs := make([]error, len(messages))
	var all sync.WaitGroup
	all.Add(len(messages))
	for i := range messages {
		client.Produce(ctx, messages[i].record(topic), func(r *kgo.Record, err error) {
			defer all.Done()
			positions[i] = record.Position{Topic: topic, Partition: r.Partition, Offset: r.Offset}
			if err != nil {
				positions[i].Offset, errs[i] = -1, err
			}
		})
	}
	all.Wait()
	return positions, joinDistinct(errs)
}

// joinDistinct says each thing once: a thousand records of a topic that is missing have
// one reason.
func joinDistinct(errs []error) error {
	var distinct []error
	seen := map[string]bool{}
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			distinct = append(distinct, err)
		}
	}
	return errors.Join(distinct...)
}

func (m *Message) record(topic string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: m.Key, Value: m.Value, Timestamp: m.Timestamp, Partition: record.ByKey}
	if m.Partition != nil {
		r.Partition = *m.Partition
	}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}
