package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// defaultMaxMessage is Kafka's default of max.message.bytes.
const defaultMaxMessage = 1_048_588

// largestRequest stays below the 100 MiB that brokers read and kgo writes at most.
const largestRequest = 96 << 20

// learnLimit asks a topic for its max.message.bytes before the first record to it: a
// dead letter from a topic of large records must fit where large records are allowed.
// Without the permission to ask, Kafka's default holds.
func (p *Producer) learnLimit(ctx context.Context, client *kgo.Client, topic string) {
	if _, known := p.limits.Load(topic); known {
		return
	}
	configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, topic)
	for _, resource := range configs {
		err = errors.Join(err, resource.Err)
		for _, entry := range resource.Configs {
			n, bad := strconv.ParseInt(entry.MaybeValue(), 10, 32)
			if entry.Key == "max.message.bytes" && bad == nil {
				p.limits.Store(topic, int32(min(max(n, 512), largestRequest)))
			}
		}
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		p.limits.Store(topic, int32(defaultMaxMessage))
	} // any other failure: ask again next time
}

// limit is what kgo asks once for each partition it finds.
func (p *Producer) limit(topic string) int32 {
	if n, ok := p.limits.Load(topic); ok {
		return n.(int32)
	}
	return defaultMaxMessage
}

// replace puts a new client in the place of one whose producer id was refused: kgo keeps
// that refusal for ever, and the permission may be given later.
func (p *Producer) replace(old *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != old || p.closed {
		return
	}
	if client, err := p.open(); err == nil {
		p.client = client
		old.Close()
	}
}

func (p *Producer) explain(topic string, count int, err error) error {
	switch {
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		err = fmt.Errorf("%w (its limit is %d bytes): %w", ErrTooLarge, p.limit(topic), err)
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		err = fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		// Since Kafka 2.8 a Write on any topic is enough to get a producer id.
		err = Deny(err, "IdempotentWrite", "cluster", "")
	default:
		err = Deny(err, "Write", "topic", topic)
	}
	return fmt.Errorf("write %d records to topic %s: %w", count, topic, p.attempts.join(err))
}
