package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gantry/secret"
	"gantry/store"
	"gantry/store/embedded"
	"gantry/store/sealed"
)

// openStore opens the data directory behind a seal. Its identity is this process's name
// in every group: a process that comes back with the same directory is the same member.
func (s *server) openStore(ctx context.Context) (store.Store, string, error) {
	dir, err := filepath.Abs(s.dataDir())
	if err != nil {
		return nil, "", err
	}
	db, err := embedded.Open(dir)
	if err != nil {
		return nil, "", err
	}
	process := db.ID()
	ring, err := s.ring(ctx, dir)
	if err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	if err := s.seal(ctx, sealed.New(db, ring), dir); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	switch _, err := os.Stat(filepath.Join(dir, toCompact)); {
	case errors.Is(err, fs.ErrNotExist):
		return sealed.New(db, ring), process, nil
	case err != nil:
		return nil, "", errors.Join(fmt.Errorf("look whether the store is to be written anew: %w", err), db.Close())
	}
	if err := errors.Join(db.Close(), embedded.Compact(dir), os.Remove(filepath.Join(dir, toCompact))); err != nil {
		return nil, "", err
	}
	if db, err = embedded.Open(dir); err != nil {
		return nil, "", err
	}
	return sealed.New(db, ring), process, nil
}

// toCompact is the file that says that the store still holds text which was sealed since,
// so that a crash before it is written anew leaves nothing behind.
const toCompact = "gantry.db.compact"

// seal puts everything under the current key, and asks for the store to be written anew.
func (s *server) seal(ctx context.Context, shut *sealed.Store, dir string) error {
	names, err := shut.Unsealed(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, toCompact), nil, 0o600); err != nil {
		return err
	}
	s.opts.log.InfoContext(ctx, "functions are put under the store's current key", "event", "store.sealed", "functions", len(names))
	return shut.Reseal(ctx, names)
}

// ring finds the keys of the store: where the file says, or in the data directory.
func (s *server) ring(ctx context.Context, dir string) (*sealed.Ring, error) {
	ref := s.opts.file.StoreKey
	if ref == "" {
		return sealed.DataRing(dir)
	}
	// Before the store is open nothing else is: AWS's secrets can't hold this one.
	secrets := secret.New(secret.Options{Rules: s.opts.file.Secrets, Base: s.opts.base, LookupEnv: os.LookupEnv})
	text, err := secrets.Plain(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("store.key: %w", err)
	}
	ring, err := sealed.ParseRing(text)
	if err != nil {
		return nil, fmt.Errorf("store.key: %w", err)
	}
	return ring, nil
}
