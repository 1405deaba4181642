package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// defaultMaxMessage is Kafka's default of max.message.bytes.
const defaultMaxMessage = 1_048_588

// largestRequest stays below the 100 MiB that brokers read and kgo writes at most.
const largestRequest = 96 << 20

// Takes is what a topic takes, as far as this principal may know.
type Takes struct {
	Partitions int32
	Bytes      int32 // max.message.bytes; Kafka's default where it may not be asked for
	Compacted  bool  // records need a key; false where it may not be asked for
}

// facts are what is known of a topic. Its limit is asked for once, because kgo asks for it
// once; the partitions may become more.
type facts struct {
	Takes
	asked time.Time // for the partitions
}

const factsAge = time.Minute

// Takes says what a topic takes: ErrUnknownTopic, *Denied or what kept the brokers from
// answering.
func (p *Producer) Takes(ctx context.Context, topic string) (Takes, error) {
	if known, ok := p.facts.Load(topic); ok && time.Since(known.(facts).asked) < factsAge {
		return known.(facts).Takes, nil
	}
	client := p.current()
	f, err := p.learn(ctx, client, topic)
	if err != nil {
		return Takes{}, fmt.Errorf("look at topic %s: %w", topic, p.attempts.join(err))
	}
	topics, err := kadm.NewClient(client).ListTopics(ctx, topic)
	if err == nil {
		err = topics[topic].Err
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	}
	if err != nil {
		return Takes{}, fmt.Errorf("look at topic %s: %w", topic, p.attempts.join(Deny(err, "Describe and Write", "topic", topic)))
	}
	f.Partitions, f.asked = int32(len(topics[topic].Partitions)), time.Now()
	p.facts.Store(topic, f)
	return f.Takes, nil
}

// learn asks a topic for its max.message.bytes and its clean-up before the first record to
// it: a dead letter from a topic of large records must fit where large records are
// allowed. Without the permission to ask, Kafka's defaults hold.
func (p *Producer) learn(ctx context.Context, client *kgo.Client, topic string) (facts, error) {
	if known, ok := p.facts.Load(topic); ok {
		return known.(facts), nil
	}
	f := facts{Takes: Takes{Bytes: defaultMaxMessage}}
	found := false
	configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, topic)
	for _, resource := range configs {
		err = errors.Join(err, resource.Err)
		for _, entry := range resource.Configs {
			switch entry.Key {
			case "max.message.bytes":
				if n, bad := strconv.ParseInt(entry.MaybeValue(), 10, 32); bad == nil {
					f.Bytes, found = int32(min(max(n, 512), largestRequest)), true
				}
			case "cleanup.policy":
				f.Compacted = strings.Contains(entry.MaybeValue(), "compact")
			}
		}
	}
	switch {
	case found, errors.Is(err, kerr.TopicAuthorizationFailed):
		p.facts.Store(topic, f)
		return f, nil
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		err = fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	}
	return f, err // ask again next time
}

// limit is what kgo asks once for each partition it finds.
func (p *Producer) limit(topic string) int32 {
	if known, ok := p.facts.Load(topic); ok {
		return known.(facts).Bytes
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
	case errors.Is(err, kerr.InvalidRecord):
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
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
