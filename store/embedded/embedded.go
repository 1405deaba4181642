// Package embedded is the store of one gantry on one machine: a single file, gantry.db,
// in the data directory, and no server.
//
// What it promises beyond package store: a write that returned survives kill -9 and a
// power cut (bbolt syncs before it answers); a write that failed, also for want of disk,
// changed nothing; one process at a time holds the directory; data of a newer gantry is
// refused before a byte is written. The directory is made 0700 and the file is 0600.
//
// The file holds these buckets:
//
//	gantry    format → 1, directory → the id of the data directory
//	desired   KIND → ID → document
//	gone      KIND → ID → the last version of what was deleted
//	observed  KIND → ID → PROCESS → report
//	ledger    STREAM → sequence, 8 bytes big endian → entry
package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
	boltErrors "go.etcd.io/bbolt/errors"
)

// Store is the store of a data directory. Safe for use by many goroutines.
type Store struct {
	db       *bolt.DB
	dir      string
	id       string
	watchers store.Watchers
	close    func() error
}

var _ store.Store = (*Store)(nil)

// The buckets at the top of the file.
const (
	metaBucket     = "gantry"
	desiredBucket  = "desired"
	goneBucket     = "gone"
	observedBucket = "observed"
	queueBucket    = "queue"
	ledgerBucket   = "ledger"
)

// Open opens the store of a data directory and makes both where they are missing. It
// does not wait: a directory another process holds is store.ErrLocked, naming its pid.
// Data of a newer gantry is store.ErrNewer.
func Open(dir string) (*Store, error) {
	dir, err := prepare(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	db, err := lock(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data directory %s: %w", dir, err)
	}
	id, err := identify(db)
	if err != nil {
		return nil, fmt.Errorf("open the data directory %s: %w", dir, errors.Join(err, db.Close()))
	}
	db.MaxBatchDelay = batchDelay
	s := &Store{db: db, dir: dir, id: id}
	s.close = sync.OnceValue(func() error {
		forget(dir)
		return db.Close()
	})
	return s, nil
}

// ID is the identity of the data directory: a UUID made with it, the same for as long
// as it lives. Copying the directory copies the identity.
func (s *Store) ID() string { return s.id }

// Dir is the data directory as an absolute path.
func (s *Store) Dir() string { return s.dir }

// Watch sends after changes, coalesced, until ctx ends.
func (s *Store) Watch(ctx context.Context) <-chan struct{} { return s.watchers.Watch(ctx) }

// Close waits for what is running and gives the directory up. What is called afterwards
// fails. Closing twice is harmless.
func (s *Store) Close() error { return s.close() }

// view reads, unless ctx has ended.
func (s *Store) view(ctx context.Context, read func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return closed(s.db.View(read))
}

// update writes all of it or nothing, unless ctx has ended.
func (s *Store) update(ctx context.Context, write func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return closed(s.db.Update(write))
}

// batch is update for writes that many make at once: those of the same moment share one
// write to the disk. write may be called again, when another one of them failed.
func (s *Store) batch(ctx context.Context, write func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return closed(s.db.Batch(write))
}

// batchDelay is how long the first write of a batch waits for others.
const batchDelay = time.Millisecond

func closed(err error) error {
	if errors.Is(err, boltErrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// bucket walks down from the top of the file, nil where there is nothing.
func bucket(tx *bolt.Tx, top string, path ...string) *bolt.Bucket {
	b := tx.Bucket([]byte(top))
	for _, name := range path {
		if b == nil {
			return nil
		}
		b = b.Bucket([]byte(name))
	}
	return b
}

// makeBucket walks down from the top of the file and makes what is missing.
func makeBucket(tx *bolt.Tx, top string, path ...string) (*bolt.Bucket, error) {
	b, err := tx.CreateBucketIfNotExists([]byte(top))
	for _, name := range path {
		if err != nil {
			return nil, err
		}
		b, err = b.CreateBucketIfNotExists([]byte(name))
	}
	return b, err
}
