package poll

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/record"
)

// Ends asks for the end of each partition of the topics, over the connections that are
// there: the last stable offset, or the high watermark if records of open transactions
// count. What one partition refuses is an error of all.
func (p *Poller) Ends(ctx context.Context) (map[record.Partition]int64, error) {
	ask := p.admin.ListCommittedOffsets
	if p.cfg.ReadUncommitted {
		ask = p.admin.ListEndOffsets
	}
	listed, err := ask(ctx, p.cfg.Topics...)
	if err = errors.Join(err, listed.Error()); err != nil {
		return nil, fmt.Errorf("ask for the ends of %v: %w", p.cfg.Topics, err)
	}
	ends := map[record.Partition]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[record.Partition{Topic: o.Topic, Index: o.Partition}] = o.Offset })
	return ends, nil
}
