package kafka

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// mostPositions is how many groups one request reads the positions of.
const mostPositions = 50

// GroupPosition is what a group has committed for a partition.
type GroupPosition struct {
	At       int64
	Metadata string
}

// GroupPositions are the positions of a group. A partition it never committed is missing.
type GroupPositions struct {
	At  map[record.Partition]GroupPosition
	Err error
}

// Positions reads what groups have committed, also what belongs to transactions that are
// still open in part: a survey does not wait for them.
func (s *Surveyor) Positions(ctx context.Context, groups []string) (map[string]GroupPositions, error) {
	out := make(map[string]GroupPositions, len(groups))
	for batch := range slices.Chunk(groups, mostPositions*s.spread()) {
		if err := s.pace.turn(ctx, 0); err != nil {
			return out, err
		}
		for id, fetched := range s.admin.FetchManyOffsets(ctx, batch...) {
			p := GroupPositions{At: map[record.Partition]GroupPosition{}}
			if err := fetched.Err; err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
				p.Err = s.attempts.join(Deny(err, "Describe", "group", id))
			}
			for topic, partitions := range fetched.Fetched {
				for index, o := range partitions {
					if o.Err == nil && o.At >= 0 {
						p.At[record.Partition{Topic: topic, Index: index}] = GroupPosition{o.At, o.Metadata}
					}
				}
			}
			out[id] = p
		}
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
	}
	return out, nil
}

// SharePositions reads where share groups stand: the offset below which every record is
// settled.
func (s *Surveyor) SharePositions(ctx context.Context, groups []string) (map[string]GroupPositions, error) {
	out := map[string]GroupPositions{}
	for batch := range slices.Chunk(groups, mostPositions) {
		req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
		for _, id := range batch {
			g := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
			g.GroupID = id
			req.Groups = append(req.Groups, g)
		}
		shards, err := s.ask(ctx, req)
		if err != nil {
			return out, err
		}
		for _, shard := range shards {
			if shard.Err != nil {
				for _, g := range shard.Req.(*kmsg.DescribeShareGroupOffsetsRequest).Groups {
					out[g.GroupID] = GroupPositions{Err: s.attempts.join(shard.Err)}
				}
				continue
			}
			for _, g := range shard.Resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups {
				out[g.GroupID] = sharePositions(g)
			}
		}
	}
	return out, nil
}

func sharePositions(g kmsg.DescribeShareGroupOffsetsResponseGroup) GroupPositions {
	p := GroupPositions{At: map[record.Partition]GroupPosition{}}
	if err := kerr.ErrorForCode(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		p.Err = Deny(err, "Describe", "group", g.GroupID)
	}
	for _, t := range g.Topics {
		for _, at := range t.Partitions {
			if at.ErrorCode == 0 && at.StartOffset >= 0 {
				p.At[record.Partition{Topic: t.Topic, Index: at.Partition}] = GroupPosition{At: at.StartOffset}
			}
		}
	}
	return p
}
