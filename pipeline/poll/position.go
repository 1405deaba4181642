package poll

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
	"gantry/record"
)

// adjust runs between the fetch of committed offsets and the first fetch of records:
// the place where a member commits the beginning of a partition that has none, inside
// its own generation, so that a restart before the first batch skips nothing.
//
// A committed offset wins. Without one, a partition of the stored vector begins where
// the vector says: at the first start, and again when the group's offsets expired. A
// partition outside the vector was added later: it begins at its oldest record,
// whatever the starting position.
func (p *Poller) adjust(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-p.made
	member := p.Member()
	if err := p.dropRecreated(ctx, offsets); err != nil {
		return nil, err
	}
	starts, err := p.starts(ctx, offsets)
	if err != nil {
		return nil, err
	}
	if err := p.Commit(ctx, member, starts); err != nil {
		return nil, fmt.Errorf("commit the starting position: %w", err)
	}
	for topic, partitions := range offsets {
		for index := range partitions { // an acceptance counts once, from the commit that carries it out
			delete(p.cfg.Accepted, record.Partition{Topic: topic, Index: index})
		}
	}
	for id, at := range starts {
		offsets[id.Topic][id.Index] = kgo.NewOffset().At(at.At)
		p.cfg.Log.Debug("partition begins", "group", p.cfg.Group, "partition", id.String(), "offset", at.At)
	}
	if len(starts) > 0 {
		p.cfg.Log.Info("starting positions committed", "group", p.cfg.Group, "topics", p.cfg.Topics, "partitions", len(starts))
	}
	p.assigned(offsets)
	return offsets, nil
}

// starts gives the partitions whose beginning must be committed, and where.
func (p *Poller) starts(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[record.Partition]record.Offset, error) {
	starts := map[record.Partition]record.Offset{}
	var added []record.Partition
	for topic, partitions := range offsets {
		for index, at := range partitions {
			id := record.Partition{Topic: topic, Index: index}
			loss, ok := p.cfg.Accepted[id]
			if ok && waits(loss, at.EpochOffset().Offset) {
				starts[id] = record.Offset{At: loss.Resume, Epoch: -1}
			} else if at.EpochOffset().Offset >= 0 {
				continue
			} else if stored, ok := p.cfg.Positions[topic][index]; ok {
				starts[id] = record.Offset{At: stored, Epoch: -1}
			} else {
				added = append(added, id)
			}
		}
	}
	return starts, p.oldest(ctx, added, starts)
}

// waits says whether a group stands before a loss that was accepted. Where another
// member has gone on behind it meanwhile, its commit wins: nothing is read again.
func waits(loss mapping.Loss, committed int64) bool {
	switch {
	case committed < 0:
		return true
	case loss.Resume > loss.First:
		return committed < loss.Resume
	}
	return committed > loss.Resume && committed <= loss.Last+1
}

func (p *Poller) oldest(ctx context.Context, added []record.Partition, starts map[record.Partition]record.Offset) error {
	if len(added) == 0 {
		return nil
	}
	topics := map[string]bool{} // the others are not asked for: one may be gone
	for _, id := range added {
		topics[id.Topic] = true
	}
	listed, err := p.admin.ListStartOffsets(ctx, slices.Collect(maps.Keys(topics))...)
	if err != nil {
		return fmt.Errorf("list the oldest offsets: %w", err)
	}
	for _, id := range added {
		o, ok := listed.Lookup(id.Topic, id.Index)
		if !ok || o.Err != nil {
			return fmt.Errorf("list the oldest offset of %s: %w", id, errors.Join(o.Err, errors.New("try again")))
		}
		starts[id] = record.Offset{At: o.Offset, Epoch: -1}
	}
	return nil
}

// dropRecreated takes topics out of the assignment that are not the ones the mapping
// was made for: their offsets mean other records.
func (p *Poller) dropRecreated(ctx context.Context, offsets map[string]map[int32]kgo.Offset) error {
	var names []string
	for topic := range offsets {
		if p.cfg.TopicIDs[topic] != "" {
			names = append(names, topic)
		}
	}
	if len(names) == 0 {
		return nil
	}
	topics, err := p.admin.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("read the ids of topics %v: %w", names, err)
	}
	for _, topic := range names {
		id := TopicID(topics[topic].ID)
		if topics[topic].Err != nil || id == "" || id == p.cfg.TopicIDs[topic] {
			continue
		}
		for index, at := range offsets[topic] {
			p.to.SourceLoss(recreated(record.Partition{Topic: topic, Index: index}, at.EpochOffset().Offset, -1))
		}
		delete(offsets, topic)
	}
	return nil
}

// TopicID writes a topic id as Kafka's tools do; empty for none.
func TopicID(id kadm.TopicID) string {
	if id == (kadm.TopicID{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// recreated is the loss of what the old topic had from next on. How much that was is
// known as far as it was heard of before: Count may be 0.
func recreated(id record.Partition, next, high int64) mapping.Loss {
	first := max(next, 0)
	behind := max(first, high)
	return mapping.Loss{
		Topic: id.Topic, Partition: id.Index, First: first, Last: behind - 1, Count: behind - first,
		Resume: 0, Reason: "the topic was deleted and created again under the same name", Since: time.Now(),
	}
}

func (p *Poller) assigned(offsets map[string]map[int32]kgo.Offset) {
	begin := map[record.Partition]record.Offset{}
	p.mu.Lock()
	for topic, partitions := range offsets {
		for index, o := range partitions {
			id := record.Partition{Topic: topic, Index: index}
			at := record.Offset{At: o.EpochOffset().Offset, Epoch: o.EpochOffset().Epoch}
			p.parts[id] = &part{next: at, high: -1}
			begin[id] = at
		}
	}
	p.mu.Unlock()
	p.to.Assigned(begin)
	p.waits.hurry()
}

func (p *Poller) revoked(m map[string][]int32) {
	<-p.made
	if ids := flatten(m); len(ids) > 0 {
		p.to.Revoked(ids)
		p.forget(ids)
	}
}

func (p *Poller) lost(m map[string][]int32) {
	<-p.made
	if ids := flatten(m); len(ids) > 0 {
		p.cfg.Log.Warn("the group's session is over, what is in flight is cut", "group", p.cfg.Group, "partitions", len(ids))
		p.to.Lost(ids)
		p.forget(ids)
	}
}

func (p *Poller) forget(ids []record.Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		delete(p.parts, id)
	}
}

func flatten(m map[string][]int32) []record.Partition {
	var ids []record.Partition
	for topic, partitions := range m {
		for _, index := range partitions {
			ids = append(ids, record.Partition{Topic: topic, Index: index})
		}
	}
	slices.SortFunc(ids, func(a, b record.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
	})
	return ids
}
