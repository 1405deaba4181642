package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gantry/function"
	"gantry/mapping"
)

// Typed is one kind of desired state read and written as values of T. The JSON of the
// vocabulary is the stored form: renaming a field of mapping.Mapping or
// function.Function changes the format, and a test with stored documents says so.
type Typed[T any] struct {
	docs Desired
	kind Kind
}

// Item is one value with what the store knows of it.
type Item[T any] struct {
	ID      string
	Version int64 // of a Put: the version it replaces, 0 = must not exist
	Value   T
	Changed time.Time // set by the store
	By      Write     // set by the store
}

// Of reads and writes the documents of a kind as values of T.
func Of[T any](docs Desired, kind Kind) Typed[T] { return Typed[T]{docs: docs, kind: kind} }

// FunctionsOf gives the functions of a store, by name.
func FunctionsOf(docs Desired) Typed[function.Function] {
	return Of[function.Function](docs, Functions)
}

// MappingsOf gives the mappings of a store, by UUID.
func MappingsOf(docs Desired) Typed[mapping.Mapping] {
	return Of[mapping.Mapping](docs, Mappings)
}

// Get gives a value and its version, or ErrNotFound.
func (t Typed[T]) Get(ctx context.Context, id string) (T, int64, error) {
	item, err := t.Item(ctx, id)
	return item.Value, item.Version, err
}

// Item gives a value with everything the store knows of it, or ErrNotFound.
func (t Typed[T]) Item(ctx context.Context, id string) (Item[T], error) {
	doc, err := t.docs.Get(ctx, t.kind, id)
	if err != nil {
		return Item[T]{}, err
	}
	return decode[T](doc)
}

// List gives every value in order of id.
func (t Typed[T]) List(ctx context.Context) ([]Item[T], error) {
	docs, err := t.docs.List(ctx, t.kind)
	if err != nil {
		return nil, err
	}
	items := make([]Item[T], 0, len(docs))
	for _, doc := range docs {
		item, err := decode[T](doc)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// Put replaces item.Version of item.ID (0: creates) and gives the new version, or
// ErrConflict.
func (t Typed[T]) Put(ctx context.Context, item Item[T], by Write) (int64, error) {
	body, err := json.Marshal(item.Value)
	if err != nil {
		return 0, fmt.Errorf("write %s %s: %w", t.kind, item.ID, err)
	}
	return t.docs.Put(ctx, Document{Kind: t.kind, ID: item.ID, Version: item.Version, Body: body}, by)
}

// Delete removes a version; ErrNotFound, ErrConflict.
func (t Typed[T]) Delete(ctx context.Context, id string, version int64, by Write) error {
	return t.docs.Delete(ctx, t.kind, id, version, by)
}

// Change reads a value, lets edit change it and puts it back, again from the start
// when somebody else was faster. An error of edit is returned as it is and nothing is
// written. Edit may run more than once.
func (t Typed[T]) Change(ctx context.Context, id string, by Write, edit func(*T) error) (T, int64, error) {
	for {
		value, version, err := t.Get(ctx, id)
		if err != nil {
			return value, 0, err
		}
		if err := edit(&value); err != nil {
			return value, version, err
		}
		next, err := t.Put(ctx, Item[T]{ID: id, Version: version, Value: value}, by)
		if !errors.Is(err, ErrConflict) {
			return value, next, err
		}
	}
}

// decode refuses members it does not know: writing such a document back would drop
// what a newer gantry put there.
func decode[T any](doc Document) (Item[T], error) {
	item := Item[T]{ID: doc.ID, Version: doc.Version, Changed: doc.Changed, By: doc.By}
	dec := json.NewDecoder(bytes.NewReader(doc.Body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&item.Value)
	if err == nil {
		return item, nil
	}
	var loose T
	if json.Unmarshal(doc.Body, &loose) == nil {
		return item, fmt.Errorf("read %s %s: %w: %w; use the version that wrote it", doc.Kind, doc.ID, ErrNewer, err)
	}
	return item, fmt.Errorf("read %s %s: %w", doc.Kind, doc.ID, err)
}
