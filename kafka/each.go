package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Written is what became of one message: where it is, or why it is not there.
type Written struct {
	Partition int32
	Offset    int64
	Err       error // as Produce's, of this message alone
}

// ProduceEach is Produce for who wants to know of each message. A message that failed
// says nothing of those behind it.
func (p *Producer) ProduceEach(ctx context.Context, topic string, messages []Message) []Written {
	p.mu.Lock()
	client := p.client
	p.mu.Unlock()
	out := make([]Written, len(messages))
	if takes, err := p.Takes(ctx, topic); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	} else if slices.ContainsFunc(messages, func(m Message) bool { return m.Partition != nil && *m.Partition >= takes.Partitions }) {
		return outOfRange(out, topic, messages, takes.Partitions)
	}
	done := make(chan struct{}, len(messages))
	for i := range messages {
		client.Produce(ctx, messages[i].record(topic), func(r *kgo.Record, err error) {
			out[i] = Written{r.Partition, r.Offset, err}
			done <- struct{}{}
		})
	}
	for range messages { // also when ctx has ended: until then kgo may read the bytes
		<-done
	}
	for i := range out {
		if errors.Is(out[i].Err, kerr.ClusterAuthorizationFailed) {
			p.replace(client)
		}
		if out[i].Err != nil {
			out[i].Err = p.explain(topic, 1, out[i].Err)
		}
	}
	return out
}

// outOfRange refuses messages for partitions that are not there, and the rest with them: a
// request that is wrong writes nothing.
func outOfRange(out []Written, topic string, messages []Message, partitions int32) []Written {
	wrong := func(m Message) bool { return m.Partition != nil && *m.Partition >= partitions }
	first := slices.IndexFunc(messages, wrong)
	for i := range messages {
		out[i].Err = fmt.Errorf("%w: message %d of them is for partition %d, and topic %s has %d partitions; none was written",
			ErrInvalid, first, *messages[first].Partition, topic, partitions)
	}
	return out
}
