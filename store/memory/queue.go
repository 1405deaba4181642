package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"gantry/store"
)

// Push adds an item at the end of a queue.
func (s *Store) Push(ctx context.Context, queue string, body []byte) (int64, error) {
	if err := store.CheckItem("push to", queue, body); err != nil {
		return 0, err
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	s.last++
	s.queues[queue] = append(s.queues[queue], store.Queued{Sequence: s.last, Body: bytes.Clone(body)})
	return s.last, nil
}

// Items gives at most limit items with a sequence ≥ from, in order.
func (s *Store) Items(ctx context.Context, queue string, from int64, limit int) ([]store.Queued, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	at, _ := s.find(queue, from)
	rest := s.queues[queue][at:]
	found := slices.Clone(rest[:min(len(rest), max(limit, 0))])
	for i := range found {
		found[i].Body = bytes.Clone(found[i].Body)
	}
	return found, nil
}

// Replace gives an item another body.
func (s *Store) Replace(ctx context.Context, queue string, item store.Queued) error {
	if err := store.CheckItem("replace an item of", queue, item.Body); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	at, ok := s.find(queue, item.Sequence)
	if !ok {
		return store.NoItemError(queue, item.Sequence)
	}
	s.queues[queue][at].Body = bytes.Clone(item.Body)
	return nil
}

// Remove takes an item out.
func (s *Store) Remove(ctx context.Context, queue string, sequence int64) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	at, ok := s.find(queue, sequence)
	if !ok {
		return nil
	}
	if s.queues[queue] = slices.Delete(s.queues[queue], at, at+1); len(s.queues[queue]) == 0 {
		delete(s.queues, queue)
	}
	return nil
}

// Queues lists the queues that hold something.
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.queues)), nil
}

// Drop takes everything out of a queue.
func (s *Store) Drop(ctx context.Context, queue string) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	n := len(s.queues[queue])
	delete(s.queues, queue)
	return n, nil
}

// find gives the place of a sequence in its queue. The caller holds the lock.
func (s *Store) find(queue string, sequence int64) (int, bool) {
	return slices.BinarySearchFunc(s.queues[queue], sequence, func(i store.Queued, want int64) int { return cmp.Compare(i.Sequence, want) })
}
