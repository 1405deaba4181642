package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
)

// header is the first line of a stored document; its body follows as it was given.
type header struct {
	Version int64
	Changed time.Time
	By      store.Write
}

// Get gives a document, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Document, error) {
	var doc store.Document
	err := s.view(ctx, func(tx *bolt.Tx) (err error) {
		doc, err = current(tx, kind, id)
		return err
	})
	return doc, err
}

// List gives every document of a kind in order of id.
func (s *Store) List(ctx context.Context, kind store.Kind) ([]store.Document, error) {
	var found []store.Document
	err := s.view(ctx, func(tx *bolt.Tx) error {
		b := bucket(tx, desiredBucket, string(kind))
		if b == nil {
			return nil
		}
		return b.ForEach(func(id, raw []byte) error {
			doc, err := unpack(kind, string(id), raw)
			found = append(found, doc)
			return err
		})
	})
	return found, err
}

// Put replaces a version, or creates.
func (s *Store) Put(ctx context.Context, doc store.Document, by store.Write) (int64, error) {
	if err := store.CheckDocument(doc); err != nil {
		return 0, err
	}
	var next int64
	err := s.update(ctx, func(tx *bolt.Tx) error {
		docs, err := makeBucket(tx, desiredBucket, string(doc.Kind))
		if err != nil {
			return err
		}
		var has int64
		if raw := docs.Get([]byte(doc.ID)); raw != nil {
			old, err := unpack(doc.Kind, doc.ID, raw)
			if err != nil {
				return err
			}
			has = old.Version
		}
		if has != doc.Version {
			return store.ConflictError("put", doc, has)
		}
		if next, err = following(tx, doc); err != nil {
			return err
		}
		raw, err := pack(header{Version: next, Changed: time.Now().UTC(), By: by}, doc.Body)
		if err != nil {
			return err
		}
		return docs.Put([]byte(doc.ID), raw)
	})
	if err != nil {
		return 0, explain("put", doc.Kind, doc.ID, err)
	}
	s.watchers.Wake()
	return next, nil
}

// Delete removes a version.
func (s *Store) Delete(ctx context.Context, kind store.Kind, id string, version int64, _ store.Write) error {
	err := s.update(ctx, func(tx *bolt.Tx) error {
		doc, err := current(tx, kind, id)
		if err != nil {
			return err
		}
		if doc.Version != version {
			return store.ConflictError("delete", store.Document{Kind: kind, ID: id, Version: version}, doc.Version)
		}
		gone, err := makeBucket(tx, goneBucket, string(kind))
		if err != nil {
			return err
		}
		if err := gone.Put([]byte(id), strconv.AppendInt(nil, version, 10)); err != nil {
			return err
		}
		return bucket(tx, desiredBucket, string(kind)).Delete([]byte(id))
	})
	if err != nil {
		return explain("delete", kind, id, err)
	}
	s.watchers.Wake()
	return nil
}

func current(tx *bolt.Tx, kind store.Kind, id string) (store.Document, error) {
	b := bucket(tx, desiredBucket, string(kind))
	if b == nil {
		return store.Document{}, store.NotFoundError(kind, id)
	}
	raw := b.Get([]byte(id))
	if raw == nil {
		return store.Document{}, store.NotFoundError(kind, id)
	}
	return unpack(kind, id, raw)
}

// following gives the version after doc's. A version that was deleted never comes back,
// so that who still holds it can't overwrite its successor.
func following(tx *bolt.Tx, doc store.Document) (int64, error) {
	gone := bucket(tx, goneBucket, string(doc.Kind))
	if doc.Version > 0 || gone == nil {
		return doc.Version + 1, nil
	}
	text := gone.Get([]byte(doc.ID))
	if text == nil {
		return 1, nil
	}
	last, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, err
	}
	return last + 1, gone.Delete([]byte(doc.ID))
}

func pack(h header, body []byte) ([]byte, error) {
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return append(append(raw, '\n'), body...), nil
}

// unpack copies: what bbolt hands out is gone with the transaction.
func unpack(kind store.Kind, id string, raw []byte) (store.Document, error) {
	head, body, found := bytes.Cut(raw, []byte{'\n'})
	var h header
	if err := json.Unmarshal(head, &h); err != nil || !found {
		return store.Document{}, fmt.Errorf("read %s %s: its header is damaged; restore a backup", kind, id)
	}
	return store.Document{Kind: kind, ID: id, Version: h.Version, Body: bytes.Clone(body), Changed: h.Changed, By: h.By}, nil
}
