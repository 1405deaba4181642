package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
	"gantry/record"
)

// suspect is a partition whose fetch failed as it does when records are gone.
type suspect struct {
	id  record.Partition
	err error
}

func suspectOf(id record.Partition, err error) (suspect, bool) {
	var truncated *kgo.ErrDataLoss
	gone := errors.As(err, &truncated) ||
		errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.InconsistentTopicID)
	return suspect{id, err}, gone
}

// investigate asks the cluster what is missing and stops the partition if something
// is. A suspicion that proves wrong is trouble like any other: the fetch is repeated.
func (p *Poller) investigate(ctx context.Context, suspects []suspect) {
	for _, s := range suspects {
		loss, err := p.loss(ctx, s)
		switch {
		case err != nil:
			p.trouble(fmt.Errorf("fetch %s: %w", s.id, err))
		case loss != nil:
			p.stop(*loss)
		}
	}
}

// stop freezes a partition: paused at the client, deaf to what is still buffered.
func (p *Poller) stop(loss mapping.Loss) {
	id := record.Partition{Topic: loss.Topic, Index: loss.Partition}
	p.mu.Lock()
	part := p.parts[id]
	known := part == nil || part.lost
	if !known {
		part.lost = true
	}
	p.mu.Unlock()
	if known {
		return
	}
	p.Pause(id)
	loss.Since = time.Now()
	p.to.SourceLoss(loss)
}

func (p *Poller) loss(ctx context.Context, s suspect) (*mapping.Loss, error) {
	p.mu.Lock()
	part := p.parts[s.id]
	var next, high int64
	if part != nil {
		next, high = part.next.At, part.high
	}
	p.mu.Unlock()
	if part == nil {
		return nil, nil
	}
	var truncated *kgo.ErrDataLoss
	if errors.As(s.err, &truncated) {
		return cutOff(s.id, truncated.ResetTo, truncated.ConsumedTo, "the log was truncated"), nil
	}
	if again, err := p.isRecreated(ctx, s.id.Topic); err != nil || again {
		l := recreated(s.id, next, high)
		return &l, err
	}
	return p.outOfRange(ctx, s, next)
}

func (p *Poller) isRecreated(ctx context.Context, topic string) (bool, error) {
	want := p.cfg.TopicIDs[topic]
	if want == "" {
		return false, nil
	}
	topics, err := p.admin.ListTopics(ctx, topic)
	if err != nil {
		return false, err
	}
	d := topics[topic]
	if d.Err != nil {
		return false, fmt.Errorf("topic %s: %w", topic, d.Err)
	}
	id := TopicID(d.ID)
	return id != "" && id != want, nil
}

// outOfRange compares the position with the bounds of the log.
func (p *Poller) outOfRange(ctx context.Context, s suspect, next int64) (*mapping.Loss, error) {
	if !errors.Is(s.err, kerr.OffsetOutOfRange) {
		return nil, s.err
	}
	starts, err := p.admin.ListStartOffsets(ctx, s.id.Topic)
	if err != nil {
		return nil, err
	}
	ends, err := p.admin.ListEndOffsets(ctx, s.id.Topic)
	if err != nil {
		return nil, err
	}
	start, _ := starts.Lookup(s.id.Topic, s.id.Index)
	end, _ := ends.Lookup(s.id.Topic, s.id.Index)
	switch {
	case start.Err != nil || end.Err != nil:
		return nil, errors.Join(start.Err, end.Err)
	case next < start.Offset:
		return gap(s.id, next, start.Offset, "retention removed the records before they were read"), nil
	case next > end.Offset:
		return cutOff(s.id, end.Offset, next, "the log ends before the committed offset"), nil
	}
	return nil, s.err
}

// gap is the loss of [first, behind). Reading resumes behind a gap at the start of the
// log; where the log was cut at its end, the caller sets Resume to the cut.
func gap(id record.Partition, first, behind int64, reason string) *mapping.Loss {
	return &mapping.Loss{
		Topic: id.Topic, Partition: id.Index, First: first, Last: behind - 1, Count: behind - first,
		Resume: behind, Reason: reason,
	}
}

func cutOff(id record.Partition, end, behind int64, reason string) *mapping.Loss {
	l := gap(id, end, behind, reason)
	l.Resume = end
	return l
}
