package embedded

import (
	"bytes"
	"context"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
)

// Report keeps what a process says of a document it runs. Saying the same again costs
// no write.
func (s *Store) Report(ctx context.Context, process string, kind store.Kind, id string, body []byte) error {
	if err := store.CheckNames("report", "process", process, "kind", string(kind), "id", id); err != nil {
		return err
	}
	var same bool
	err := s.view(ctx, func(tx *bolt.Tx) error {
		b := bucket(tx, observedBucket, string(kind), id)
		same = b != nil && b.Get([]byte(process)) != nil && bytes.Equal(b.Get([]byte(process)), body)
		return nil
	})
	if err != nil || same {
		return err
	}
	err = s.update(ctx, func(tx *bolt.Tx) error {
		b, err := makeBucket(tx, observedBucket, string(kind), id)
		if err != nil {
			return err
		}
		return b.Put([]byte(process), body)
	})
	return explain("report", kind, id, err)
}

// Withdraw forgets the report of a process. Nothing to forget is no error.
func (s *Store) Withdraw(ctx context.Context, process string, kind store.Kind, id string) error {
	err := s.update(ctx, func(tx *bolt.Tx) error {
		b := bucket(tx, observedBucket, string(kind), id)
		if b == nil {
			return nil
		}
		if err := b.Delete([]byte(process)); err != nil {
			return err
		}
		if k, _ := b.Cursor().First(); k != nil {
			return nil
		}
		return bucket(tx, observedBucket, string(kind)).DeleteBucket([]byte(id))
	})
	return explain("withdraw", kind, id, err)
}

// Reports gives the last report of each process.
func (s *Store) Reports(ctx context.Context, kind store.Kind, id string) (map[string][]byte, error) {
	found := map[string][]byte{}
	err := s.view(ctx, func(tx *bolt.Tx) error {
		b := bucket(tx, observedBucket, string(kind), id)
		if b == nil {
			return nil
		}
		return b.ForEach(func(process, body []byte) error {
			found[string(process)] = bytes.Clone(body)
			return nil
		})
	})
	return found, err
}
