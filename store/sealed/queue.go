package sealed

import (
	"context"
	"fmt"

	"gantry/store"
)

// Push seals an item and adds it at the end of a queue.
func (s *Store) Push(ctx context.Context, queue string, body []byte) (int64, error) {
	if err := store.CheckItem("push to", queue, body); err != nil {
		return 0, err
	}
	body, err := s.seal(body, aboutQueue(queue))
	if err != nil {
		return 0, err
	}
	return s.Store.Push(ctx, queue, body)
}

// Items gives items, opened.
func (s *Store) Items(ctx context.Context, queue string, from int64, limit int) ([]store.Queued, error) {
	items, err := s.Store.Items(ctx, queue, from, limit)
	for i := range items {
		if err == nil {
			items[i].Body, err = s.unseal(items[i].Body, aboutQueue(queue))
		}
		if err != nil {
			return nil, fmt.Errorf("read item %d of queue %s: %w", items[i].Sequence, queue, err)
		}
	}
	return items, err
}

// Replace seals another body and gives it to an item.
func (s *Store) Replace(ctx context.Context, queue string, item store.Queued) error {
	if err := store.CheckItem("replace an item of", queue, item.Body); err != nil {
		return err
	}
	body, err := s.seal(item.Body, aboutQueue(queue))
	if err != nil {
		return err
	}
	return s.Store.Replace(ctx, queue, store.Queued{Sequence: item.Sequence, Body: body})
}

// resealQueues puts what waits under the current key.
func (s *Store) resealQueues(ctx context.Context) error {
	queues, err := s.Queues(ctx)
	if err != nil {
		return err
	}
	for _, queue := range queues {
		if err := s.resealQueue(ctx, queue); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) resealQueue(ctx context.Context, queue string) error {
	for from := int64(1); ; {
		items, err := s.Store.Items(ctx, queue, from, 1) // one at a time: they may be large
		if err != nil || len(items) == 0 {
			return err
		}
		item := items[0]
		from = item.Sequence + 1
		if e, ok := envelopeOf(item.Body); ok && e.Sealed == s.ring.current().name {
			continue
		}
		if item.Body, err = s.unseal(item.Body, aboutQueue(queue)); err != nil {
			return fmt.Errorf("read item %d of queue %s: %w", item.Sequence, queue, err)
		}
		if err := s.Replace(ctx, queue, item); err != nil {
			return err
		}
	}
}

func aboutQueue(queue string) []byte { return []byte("queue\x00" + queue) }
