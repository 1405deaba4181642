package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Member is who one is to the group. A commit that was settled by a member must not be made
// in the name of the one it has become since: somebody else had the partitions in between.
type Member struct {
	ID         string // "" = none now
	Generation int32
}

// Member is who this poller is at the moment.
func (p *Poller) Member() Member {
	id, generation := p.client.GroupMetadata()
	return Member{id, generation}
}

// ErrAnotherGeneration is a commit that was not sent: the group has rebalanced since its
// offsets were settled.
var ErrAnotherGeneration = errors.New("the group has rebalanced since")

// Commit writes offsets in the name of a member and waits for the broker. The client holds
// commits back while it joins and would send them in the generation it has then, which the
// broker takes even where the partitions were read by another in between; such a commit is
// refused here. The error names each partition that the broker refused.
func (p *Poller) Commit(ctx context.Context, as Member, offsets map[record.Partition]record.Offset) error {
	if len(offsets) == 0 {
		return nil
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		switch now := (Member{req.MemberID, req.Generation}); {
		case now != as:
			return ErrAnotherGeneration
		case now.ID == "": // the broker takes it as from outside the group, if that is empty
			return kerr.UnknownMemberID
		}
		return nil
	})
	request := map[string]map[int32]kgo.EpochOffset{}
	for id, at := range offsets {
		if request[id.Topic] == nil {
			request[id.Topic] = map[int32]kgo.EpochOffset{}
		}
		request[id.Topic][id.Index] = kgo.EpochOffset{Epoch: at.Epoch, Offset: at.At}
	}
	var failed []error
	p.client.CommitOffsetsSync(ctx, request, func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = refused(req, resp, err)
	})
	if len(failed) > 0 {
		return fmt.Errorf("commit to group %s: %w", p.cfg.Group, errors.Join(failed...))
	}
	return nil
}

// refused names the partitions whose commit failed. From version 10 on an answer has
// the ids of topics only: their names are in the request.
func refused(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) []error {
	if err != nil {
		return []error{err}
	}
	names := map[[16]byte]string{}
	for _, t := range req.Topics {
		names[t.TopicID] = t.Topic
	}
	var failed []error
	for _, t := range resp.Topics {
		for _, q := range t.Partitions {
			if err := kerr.ErrorForCode(q.ErrorCode); err != nil {
				failed = append(failed, fmt.Errorf("%s-%d: %w", cmp.Or(t.Topic, names[t.TopicID]), q.Partition, err))
			}
		}
	}
	return failed
}
