package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"gantry/store/backup"
)

// backup writes what this gantry must remember; it goes on meanwhile.
func (s *server) backup(ctx context.Context, w io.Writer) error {
	db, ok := s.store.(interface {
		Snapshot(ctx context.Context, w io.Writer) error
	})
	if !ok {
		return fmt.Errorf("the store %T can't be copied while it is used", s.store)
	}
	return backup.Write(ctx, w, backup.Source{DataDir: s.dataDir(), Snapshot: db.Snapshot, Version: version(), Now: time.Now()})
}
