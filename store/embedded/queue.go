package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
)

const queueKind store.Kind = "queue" // as errors name it

// Push adds an item at the end of a queue. Items that are pushed at once share one write
// to the disk.
func (s *Store) Push(ctx context.Context, queue string, body []byte) (int64, error) {
	if err := store.CheckItem("push to", queue, body); err != nil {
		return 0, err
	}
	var sequence uint64
	err := s.batch(ctx, func(tx *bolt.Tx) error {
		all, err := makeBucket(tx, queueBucket)
		if err != nil {
			return err
		}
		if sequence, err = all.NextSequence(); err != nil { // of all queues: one that was dropped begins no anew
			return err
		}
		items, err := all.CreateBucketIfNotExists([]byte(queue))
		if err != nil {
			return err
		}
		return items.Put(itemKey(int64(sequence)), body)
	})
	if err != nil {
		return 0, explain("push to", queueKind, queue, err)
	}
	return int64(sequence), nil
}

// Items gives at most limit items with a sequence ≥ from, in order.
func (s *Store) Items(ctx context.Context, queue string, from int64, limit int) ([]store.Queued, error) {
	var found []store.Queued
	err := s.view(ctx, func(tx *bolt.Tx) error {
		items := bucket(tx, queueBucket, queue)
		if items == nil {
			return nil
		}
		c := items.Cursor()
		for k, body := c.Seek(itemKey(max(from, 1))); k != nil && len(found) < limit; k, body = c.Next() {
			if len(k) != keyBytes {
				return fmt.Errorf("read queue %s: a key is damaged; restore a backup", queue)
			}
			found = append(found, store.Queued{Sequence: int64(binary.BigEndian.Uint64(k)), Body: bytes.Clone(body)})
		}
		return nil
	})
	return found, err
}

// Replace gives an item another body.
func (s *Store) Replace(ctx context.Context, queue string, item store.Queued) error {
	if err := store.CheckItem("replace an item of", queue, item.Body); err != nil {
		return err
	}
	return explain("replace an item of", queueKind, queue, s.batch(ctx, func(tx *bolt.Tx) error {
		items := bucket(tx, queueBucket, queue)
		if items == nil || items.Get(itemKey(item.Sequence)) == nil {
			return store.NoItemError(queue, item.Sequence)
		}
		return items.Put(itemKey(item.Sequence), item.Body)
	}))
}

// Remove takes an item out.
func (s *Store) Remove(ctx context.Context, queue string, sequence int64) error {
	return explain("remove an item of", queueKind, queue, s.batch(ctx, func(tx *bolt.Tx) error {
		items := bucket(tx, queueBucket, queue)
		if items == nil {
			return nil
		}
		if err := items.Delete(itemKey(sequence)); err != nil {
			return err
		}
		if k, _ := items.Cursor().First(); k != nil {
			return nil
		}
		return bucket(tx, queueBucket).DeleteBucket([]byte(queue))
	}))
}

// Queues lists the queues that hold something.
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	var names []string
	err := s.view(ctx, func(tx *bolt.Tx) error {
		all := bucket(tx, queueBucket)
		if all == nil {
			return nil
		}
		return all.ForEachBucket(func(name []byte) error {
			names = append(names, string(name))
			return nil
		})
	})
	return names, err
}

// Drop takes everything out of a queue.
func (s *Store) Drop(ctx context.Context, queue string) (int, error) {
	var n int
	err := s.update(ctx, func(tx *bolt.Tx) error {
		n = 0
		items := bucket(tx, queueBucket, queue)
		if items == nil {
			return nil
		}
		if err := items.ForEach(func(_, _ []byte) error { n++; return nil }); err != nil {
			return err
		}
		return bucket(tx, queueBucket).DeleteBucket([]byte(queue))
	})
	return n, explain("drop", queueKind, queue, err)
}

const keyBytes = 8

func itemKey(sequence int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(sequence)) }
