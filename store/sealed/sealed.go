// Package sealed keeps what may be secret in a store as ciphertext: the documents of
// functions, whose environment variables and settings are often passwords, and what waits
// in queues, which are payloads. It stands before any store.Store; what others store
// passes through as it is.
//
// A sealed body is a JSON object with the name of its key and the text, AES-256-GCM with
// a random nonce. Kind and id are authenticated with it, so that one function's document
// can't be put in another's place. Versions, times and who wrote stay readable.
package sealed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gantry/store"
)

// Store is a store before which functions are sealed. Safe for use by many goroutines.
type Store struct {
	store.Store
	ring *Ring
}

// New puts a seal before a store.
func New(under store.Store, ring *Ring) *Store { return &Store{under, ring} }

// Snapshot copies the store below, where that can be copied; what is sealed stays so.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) error {
	below, ok := s.Store.(interface {
		Snapshot(ctx context.Context, w io.Writer) error
	})
	if !ok {
		return fmt.Errorf("copy the store: a %T can't be copied while it is used", s.Store)
	}
	return below.Snapshot(ctx, w)
}

// envelope is a sealed body.
type envelope struct {
	Sealed string `json:"gantry.sealed"` // the key's name
	Data   []byte `json:"data"`
}

// kinds are the kinds of documents that are sealed.
func sealable(kind store.Kind) bool { return kind == store.Functions }

// Get gives a document, opened.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Document, error) {
	doc, err := s.Store.Get(ctx, kind, id)
	if err != nil {
		return doc, err
	}
	return s.open(doc)
}

// List gives every document of a kind, opened.
func (s *Store) List(ctx context.Context, kind store.Kind) ([]store.Document, error) {
	docs, err := s.Store.List(ctx, kind)
	for i := range docs {
		if err == nil {
			docs[i], err = s.open(docs[i])
		}
	}
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// Put seals a document and stores it.
func (s *Store) Put(ctx context.Context, doc store.Document, by store.Write) (int64, error) {
	if err := store.CheckDocument(doc); err != nil {
		return 0, err
	}
	if sealable(doc.Kind) {
		body, err := s.seal(doc.Body, about(doc))
		if err != nil {
			return 0, err
		}
		doc.Body = body
	}
	return s.Store.Put(ctx, doc, by)
}

func about(doc store.Document) []byte { return []byte(string(doc.Kind) + "\x00" + doc.ID) }

// open gives a document as it was put. One that was stored before there was a seal is
// readable as it is.
func (s *Store) open(doc store.Document) (store.Document, error) {
	if !sealable(doc.Kind) {
		return doc, nil
	}
	body, err := s.unseal(doc.Body, about(doc))
	if err != nil {
		return doc, fmt.Errorf("read %s %s: %w", doc.Kind, doc.ID, err)
	}
	doc.Body = body
	return doc, nil
}

// seal makes an envelope of a body.
func (s *Store) seal(body, about []byte) ([]byte, error) {
	key := s.ring.current()
	return json.Marshal(envelope{key.name, key.seal(body, about)})
}

// unseal gives a body as it was before seal; one that is no envelope as it is.
func (s *Store) unseal(body, about []byte) ([]byte, error) {
	e, ok := envelopeOf(body)
	if !ok {
		return body, nil
	}
	key, ok := s.ring.find(e.Sealed)
	if !ok {
		return nil, fmt.Errorf("it is sealed with the key %s, which is not among the store's keys (%s); add that key's line again", e.Sealed, s.ring.names())
	}
	plain, err := key.open(e.Data, about)
	if err != nil {
		return nil, fmt.Errorf("it was changed on disk, or its key %s is another one; restore a backup", e.Sealed)
	}
	return plain, nil
}

func envelopeOf(body []byte) (envelope, bool) {
	var e envelope
	if json.Unmarshal(body, &e) != nil || e.Sealed == "" {
		return e, false
	}
	return e, true
}

// Unsealed gives the names of the functions that are under another key than the current
// one, or under none.
func (s *Store) Unsealed(ctx context.Context) ([]string, error) {
	docs, err := s.Store.List(ctx, store.Functions)
	var names []string
	for _, doc := range docs {
		if e, ok := envelopeOf(doc.Body); !ok || e.Sealed != s.ring.current().name {
			names = append(names, doc.ID)
		}
	}
	return names, err
}

// Reseal puts functions, and before them what waits in queues, under the current key. One
// that can't be opened is an error, and stays.
func (s *Store) Reseal(ctx context.Context, names []string) error {
	faults := []error{s.resealQueues(ctx)}
	for _, name := range names {
		doc, err := s.Get(ctx, store.Functions, name)
		if err == nil {
			_, err = s.Put(ctx, doc, doc.By)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
