package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
)

// line is an entry as it is stored; its sequence is the key.
type line struct {
	At   time.Time
	By   store.Write
	Body []byte
}

// Append adds one entry to a stream and gives its sequence. It has reached the disk
// when Append returns.
func (s *Store) Append(ctx context.Context, stream string, body []byte, by store.Write) (int64, error) {
	if err := store.CheckNames("append", "stream", stream); err != nil {
		return 0, err
	}
	var sequence uint64
	err := s.update(ctx, func(tx *bolt.Tx) error {
		b, err := makeBucket(tx, ledgerBucket, stream)
		if err != nil {
			return err
		}
		if sequence, err = b.NextSequence(); err != nil {
			return err
		}
		raw, err := json.Marshal(line{At: time.Now().UTC(), By: by, Body: body})
		if err != nil {
			return err
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, sequence), raw)
	})
	if err != nil {
		return 0, explain("append to", "ledger", stream, err)
	}
	return int64(sequence), nil
}

// Read gives at most limit entries with a sequence ≥ from, in order.
func (s *Store) Read(ctx context.Context, stream string, from int64, limit int) ([]store.Entry, error) {
	var found []store.Entry
	err := s.view(ctx, func(tx *bolt.Tx) error {
		b := bucket(tx, ledgerBucket, stream)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		start := binary.BigEndian.AppendUint64(nil, uint64(max(from, 1)))
		for k, raw := c.Seek(start); k != nil && len(found) < limit; k, raw = c.Next() {
			var l line
			if err := json.Unmarshal(raw, &l); err != nil {
				return fmt.Errorf("read ledger %s: entry %d is damaged: %w", stream, binary.BigEndian.Uint64(k), err)
			}
			found = append(found, store.Entry{Sequence: int64(binary.BigEndian.Uint64(k)), At: l.At, By: l.By, Body: l.Body})
		}
		return nil
	})
	return found, err
}
