package pipeline

import (
	"context"
	"errors"
	"fmt"

	"gantry/kafka"
	"gantry/pipeline/poll"
	"gantry/record"
)

// Transactional commits answers and offsets in one Kafka transaction: the member of the group
// and the transactional producer are two clients, and a transaction carries settled offsets
// only. Offsets that have no answers are committed as ever: there is no transaction of
// offsets alone. It is called by one goroutine at a time.
//
// A transaction whose end is not answered may have been committed. Then nothing else is
// committed until it is known which it was, and what it had written is not written again.
type Transactional struct {
	Poller   Commits
	To       *kafka.Transactor
	Group    string
	Instance string // static member id; "" = a dynamic member

	doubt    map[*Answer]bool // of a transaction whose end is not known
	doubtful kafka.Transaction
}

// Commits is the member of the group (poll.Poller).
type Commits interface {
	Member() poll.Member
	Commit(ctx context.Context, as poll.Member, offsets map[record.Partition]record.Offset) error
}

// Member implements Committer.
func (c *Transactional) Member() poll.Member { return c.Poller.Member() }

// Commit implements Committer.
func (c *Transactional) Commit(ctx context.Context, s Settled) error {
	if err := c.resolve(ctx, &s); err != nil {
		return err
	}
	if len(s.Answers) == 0 {
		return c.Poller.Commit(ctx, s.Member, s.Offsets)
	}
	tx := kafka.Transaction{
		Offsets: s.Offsets, Group: c.Group, Instance: c.Instance, Member: s.Member.ID, Generation: s.Member.Generation,
	}
	for _, a := range s.Answers {
		tx.Records = append(tx.Records, a.Records...)
	}
	err := c.To.Commit(ctx, tx)
	if !errors.Is(err, kafka.ErrUnknownEnd) {
		return err
	}
	c.doubt, c.doubtful = map[*Answer]bool{}, tx
	for _, a := range s.Answers {
		c.doubt[a] = true
	}
	if unresolved := c.resolve(ctx, &s); unresolved != nil {
		return errors.Join(err, unresolved)
	}
	if len(s.Answers) == 0 {
		return nil // it had been committed
	}
	return err
}

// resolve finds out what became of a transaction whose end was not answered, and takes what
// it has written out of what is to be committed.
func (c *Transactional) resolve(ctx context.Context, s *Settled) error {
	if c.doubt == nil {
		return nil
	}
	committed, err := c.To.Settled(ctx, c.doubtful)
	if err != nil {
		return fmt.Errorf("find out whether a transaction was committed: %w", err)
	}
	if committed {
		var rest []*Answer
		for _, a := range s.Answers {
			if !c.doubt[a] {
				rest = append(rest, a)
			}
		}
		s.Answers = rest
	}
	c.doubt, c.doubtful = nil, kafka.Transaction{}
	return nil
}
