// Package memory is a store that forgets when the process ends: for tests and for the
// demonstration. It keeps every promise of package store that does not need a disk.
package memory

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/store"
)

// Store is a store in memory. Safe for use by many goroutines.
type Store struct {
	watchers store.Watchers

	mu       sync.Mutex
	docs     map[key]store.Document
	gone     map[key]int64 // last version of what was deleted: a version never comes back
	reports  map[key]map[string][]byte
	ledgers  map[string][]store.Entry
	queues   map[string][]store.Queued
	last     int64 // sequence of the item pushed last
	isClosed bool
}

type key struct {
	kind store.Kind
	id   string
}

var _ store.Store = (*Store)(nil)

// New gives an empty store.
func New() *Store {
	return &Store{
		docs:    map[key]store.Document{},
		gone:    map[key]int64{},
		reports: map[key]map[string][]byte{},
		ledgers: map[string][]store.Entry{},
		queues:  map[string][]store.Queued{},
	}
}

// Get gives a document, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Document, error) {
	if err := s.enter(ctx); err != nil {
		return store.Document{}, err
	}
	defer s.mu.Unlock()
	doc, ok := s.docs[key{kind, id}]
	if !ok {
		return store.Document{}, store.NotFoundError(kind, id)
	}
	return copied(doc), nil
}

// List gives every document of a kind in order of id.
func (s *Store) List(ctx context.Context, kind store.Kind) ([]store.Document, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []store.Document
	for k, doc := range s.docs {
		if k.kind == kind {
			found = append(found, copied(doc))
		}
	}
	slices.SortFunc(found, func(a, b store.Document) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// Put replaces a version, or creates.
func (s *Store) Put(ctx context.Context, doc store.Document, by store.Write) (int64, error) {
	if err := store.CheckDocument(doc); err != nil {
		return 0, err
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	k := key{doc.Kind, doc.ID}
	current := s.docs[k].Version
	if current != doc.Version {
		return 0, store.ConflictError("put", doc, current)
	}
	doc = copied(doc)
	doc.Version = max(current, s.gone[k]) + 1
	doc.Changed, doc.By = time.Now().UTC(), by
	s.docs[k] = doc
	delete(s.gone, k)
	s.watchers.Wake()
	return doc.Version, nil
}

// Delete removes a version.
func (s *Store) Delete(ctx context.Context, kind store.Kind, id string, version int64, _ store.Write) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	k := key{kind, id}
	doc, ok := s.docs[k]
	switch {
	case !ok:
		return store.NotFoundError(kind, id)
	case doc.Version != version:
		return store.ConflictError("delete", store.Document{Kind: kind, ID: id, Version: version}, doc.Version)
	}
	delete(s.docs, k)
	s.gone[k] = version
	s.watchers.Wake()
	return nil
}

// Watch sends after changes, coalesced, until ctx ends.
func (s *Store) Watch(ctx context.Context) <-chan struct{} { return s.watchers.Watch(ctx) }

// Report keeps what a process says of a document it runs.
func (s *Store) Report(ctx context.Context, process string, kind store.Kind, id string, body []byte) error {
	if err := store.CheckNames("report", "process", process, "kind", string(kind), "id", id); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	k := key{kind, id}
	if s.reports[k] == nil {
		s.reports[k] = map[string][]byte{}
	}
	s.reports[k][process] = bytes.Clone(body)
	return nil
}

// Withdraw forgets the report of a process. Nothing to forget is no error.
func (s *Store) Withdraw(ctx context.Context, process string, kind store.Kind, id string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.reports[key{kind, id}], process)
	return nil
}

// Reports gives the last report of each process.
func (s *Store) Reports(ctx context.Context, kind store.Kind, id string) (map[string][]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := map[string][]byte{}
	for process, body := range s.reports[key{kind, id}] {
		found[process] = bytes.Clone(body)
	}
	return found, nil
}

// Append adds one entry to a stream and gives its sequence.
func (s *Store) Append(ctx context.Context, stream string, body []byte, by store.Write) (int64, error) {
	if err := store.CheckNames("append", "stream", stream); err != nil {
		return 0, err
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	entry := store.Entry{
		Sequence: int64(len(s.ledgers[stream]) + 1),
		At:       time.Now().UTC(),
		By:       by,
		Body:     bytes.Clone(body),
	}
	s.ledgers[stream] = append(s.ledgers[stream], entry)
	return entry.Sequence, nil
}

// Read gives at most limit entries with a sequence ≥ from, in order.
func (s *Store) Read(ctx context.Context, stream string, from int64, limit int) ([]store.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	all := s.ledgers[stream]
	start := min(max(from, 1)-1, int64(len(all)))
	part := slices.Clone(all[start:min(start+int64(max(limit, 0)), int64(len(all)))])
	for i := range part {
		part[i].Body = bytes.Clone(part[i].Body)
	}
	return part, nil
}

// Close ends the store; what is called afterwards fails. Closing twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isClosed = true
	return nil
}

// enter takes the lock, unless ctx has ended or the store is closed.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

// copied keeps callers and the store from sharing bytes.
func copied(doc store.Document) store.Document {
	doc.Body = bytes.Clone(doc.Body)
	return doc
}
