package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
	"gantry/store"
)

// ErrNoLoss is an acceptance of something that is not lost.
var ErrNoLoss = errors.New("no loss waits to be accepted")

// ErrInHand is an acceptance that comes too early: a partition holds records that were
// read before the loss and are not done. The source has them no longer.
var ErrInHand = errors.New("the partition still has records from before the loss in hand, and they exist nowhere else: " +
	"let the function finish them, or give them up by maximumRetryAttempts, and accept the loss then")

// Losses gives the losses of a mapping that wait for their owner.
func (e *Engine) Losses(uuid string) ([]mapping.Loss, error) {
	r, err := e.find(uuid)
	if err != nil {
		return nil, err
	}
	run := r.current()
	if run == nil {
		return nil, nil
	}
	losses := run.pipe.Snapshot().Losses
	slices.SortFunc(losses, func(a, b mapping.Loss) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return losses, nil
}

// PreviewLoss says which losses an acceptance of these partitions (all that wait, where
// none is named) would accept, and where reading would go on. The token stands for that.
func (e *Engine) PreviewLoss(ctx context.Context, uuid string, only []record.Partition) ([]mapping.Loss, string, error) {
	r, err := e.find(uuid)
	if err != nil {
		return nil, "", err
	}
	losses, _, err := r.acceptable(ctx, only)
	return losses, lossToken(losses), err
}

// acceptable gives the losses an acceptance is about and the ids their topics have now.
func (r *runner) acceptable(ctx context.Context, only []record.Partition) (accepted []mapping.Loss, ids map[string]string, err error) {
	losses, err := r.e.Losses(r.uuid)
	if err != nil {
		return nil, nil, err
	}
	if accepted = chosen(losses, only); len(accepted) == 0 {
		return nil, nil, fmt.Errorf("accept the loss of mapping %s: %w", r.uuid, ErrNoLoss)
	}
	if ids, err = r.topicIDs(ctx, accepted); err != nil {
		return nil, nil, err
	}
	accepted = whole(losses, accepted, r.recreated(ids))
	return accepted, ids, r.begin(accepted)
}

// lossToken stands for what is lost and where reading goes on.
func lossToken(losses []mapping.Loss) string {
	h := sha256.New()
	for _, l := range losses {
		fmt.Fprintf(h, "%s %d %d %d %d\n", l.Topic, l.Partition, l.First, l.Last, l.Resume)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// AcceptLoss is the owner's word that the losses of these partitions (all that wait,
// where none is named) are given up: reading goes on where each loss says. The member
// leaves and joins again, so that the new beginning is committed inside its generation.
// It gives the losses that were accepted: those of the preview whose token it carries,
// or none (ErrStale).
func (e *Engine) AcceptLoss(ctx context.Context, uuid, token string, only []record.Partition, by store.Write) ([]mapping.Loss, error) {
	r, err := e.find(uuid)
	if err != nil {
		return nil, err
	}
	var accepted []mapping.Loss
	err = r.do(ctx, func(ctx context.Context) error {
		losses, ids, err := r.acceptable(ctx, only)
		if err != nil {
			return err
		}
		if lossToken(losses) != token {
			return fmt.Errorf("accept the loss of mapping %s: %w", uuid, ErrStale)
		}
		accepted = losses
		return r.accept(ctx, accepted, ids, by)
	})
	return accepted, err
}

// recreated lists the topics that are not the ones the mapping was made for.
func (r *runner) recreated(ids map[string]string) []string {
	var topics []string
	for topic, id := range ids {
		if id != r.wish().mapping.TopicIDs[topic] {
			topics = append(topics, topic)
		}
	}
	return topics
}

// whole adds the other losses of topics that were made again: they are other topics,
// and nobody can accept a part of that.
func whole(losses, accepted []mapping.Loss, recreated []string) []mapping.Loss {
	for _, l := range losses {
		if slices.Contains(recreated, l.Topic) && !slices.Contains(accepted, l) {
			accepted = append(accepted, l)
		}
	}
	return accepted
}

// begin looks at the lanes of the losses. A lane with unresolved records refuses: a new
// beginning would skip them unsaid. Where the log was cut, what was read and not
// committed below the cut is still there and is read again.
func (r *runner) begin(losses []mapping.Loss) error {
	lanes, _ := r.lanes()
	for i := range losses {
		l := &losses[i]
		for _, lane := range lanes {
			if (lane.Partition != record.Partition{Topic: l.Topic, Index: l.Partition}) {
				continue
			}
			if n := lane.InHand + lane.Waiting; n > 0 {
				return fmt.Errorf("accept the loss of %s, which has %d records to do: %w", lane.Partition, n, ErrInHand)
			}
			if cut := l.Resume <= l.First; cut {
				l.Resume = min(l.Resume, lane.Resume)
			}
		}
	}
	return nil
}

func chosen(losses []mapping.Loss, only []record.Partition) []mapping.Loss {
	if len(only) == 0 {
		return losses
	}
	return slices.DeleteFunc(slices.Clone(losses), func(l mapping.Loss) bool {
		return !slices.Contains(only, record.Partition{Topic: l.Topic, Index: l.Partition})
	})
}

// accept writes the topics' present ids and the new beginnings to the store first: a
// crash right after comes back to the same decision.
func (r *runner) accept(ctx context.Context, losses []mapping.Loss, ids map[string]string, by store.Write) error {
	begin := map[record.Partition]mapping.Loss{}
	m, version, err := r.e.mappings.Change(ctx, r.uuid, by, func(m *mapping.Mapping) error {
		clear(begin) // the change may be made again
		for _, l := range losses {
			begin[record.Partition{Topic: l.Topic, Index: l.Partition}] = l
			if m.Positions[l.Topic] == nil || m.TopicIDs[l.Topic] != ids[l.Topic] {
				// Positions of the old topic mean nothing in the new one. A partition
				// without one begins at its oldest record.
				m.Positions[l.Topic] = map[int32]int64{}
			}
			m.Positions[l.Topic][l.Partition] = l.Resume
			m.TopicIDs[l.Topic] = ids[l.Topic]
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := wish{mapping: m, version: version}
	s, err := r.e.settings(ctx, m)
	if err != nil {
		return err
	}
	r.stopRunning(ctx, w)
	err = r.start(ctx, w, s, begin)
	r.note(mapping.Enabled, err, version)
	return err
}

func (r *runner) topicIDs(ctx context.Context, losses []mapping.Loss) (map[string]string, error) {
	ids := map[string]string{}
	err := r.e.admin(ctx, r.wish().mapping.Source, func(a *kafka.Admin) error {
		for _, l := range losses {
			id, err := a.TopicID(ctx, l.Topic)
			if err != nil {
				return err
			}
			ids[l.Topic] = id
		}
		return nil
	})
	return ids, diagnosed(err)
}

func sorted[T cmp.Ordered](seq iter.Seq[T]) []T { return slices.Sorted(seq) }
