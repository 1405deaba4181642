package embedded

import (
	"context"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Snapshot writes the whole file as it stands at one moment, while others go on reading
// and writing. What is encrypted in it stays so. w must not be slow: the file can't grow
// meanwhile.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) error {
	err := s.view(ctx, func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	return nil
}
