package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gantry/store"

	"github.com/stretchr/testify/require"
)

func author() store.Write { return store.Write{Actor: "AKIDEXAMPLE", Reason: "test"} }

func documentLife(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Get(ctx, store.Functions, "resize")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorContains(t, err, "function resize")

	body := []byte("{\n \"a\" : \"<b>&\"}")
	before := time.Now().Add(-time.Second)
	version, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "resize", Body: body}, author())
	require.NoError(t, err)
	require.EqualValues(t, 1, version)

	doc, err := s.Get(ctx, store.Functions, "resize")
	require.NoError(t, err)
	require.Equal(t, body, doc.Body, "a body comes back byte for byte")
	require.Equal(t, store.Functions, doc.Kind)
	require.Equal(t, "resize", doc.ID)
	require.EqualValues(t, 1, doc.Version)
	require.Equal(t, author(), doc.By)
	require.WithinRange(t, doc.Changed, before, time.Now().Add(time.Second))

	_, err = s.Get(ctx, store.Mappings, "resize")
	require.ErrorIs(t, err, store.ErrNotFound, "kinds do not mix")

	doc.Body = []byte(`{"a":2}`)
	version, err = s.Put(ctx, doc, store.Write{Actor: "file:gantry.yaml"})
	require.NoError(t, err)
	require.EqualValues(t, 2, version)
	doc, err = s.Get(ctx, store.Functions, "resize")
	require.NoError(t, err)
	require.JSONEq(t, `{"a":2}`, string(doc.Body))
	require.Equal(t, "file:gantry.yaml", doc.By.Actor)

	require.NoError(t, s.Delete(ctx, store.Functions, "resize", 2, author()))
	_, err = s.Get(ctx, store.Functions, "resize")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, s.Delete(ctx, store.Functions, "resize", 2, author()), store.ErrNotFound)
}

func conflicts(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(version int64) error {
		_, err := s.Put(ctx, store.Document{Kind: store.Mappings, ID: "m", Version: version, Body: []byte("1")}, author())
		return err
	}
	require.ErrorIs(t, put(1), store.ErrConflict, "there is nothing to replace")
	require.NoError(t, put(0))
	require.ErrorIs(t, put(0), store.ErrConflict, "it exists")
	require.NoError(t, put(1))
	for _, version := range []int64{1, 3} {
		require.ErrorIs(t, put(version), store.ErrConflict)
		require.ErrorIs(t, s.Delete(ctx, store.Mappings, "m", version, author()), store.ErrConflict)
	}
	doc, err := s.Get(ctx, store.Mappings, "m")
	require.NoError(t, err)
	require.EqualValues(t, 2, doc.Version)
}

func deletedVersions(t *testing.T, s store.Store) {
	ctx := t.Context()
	doc := store.Document{Kind: store.Plans, ID: "p", Body: []byte("{}")}
	first, err := s.Put(ctx, doc, author())
	require.NoError(t, err)
	require.NoError(t, s.Delete(ctx, store.Plans, "p", first, author()))
	second, err := s.Put(ctx, doc, author())
	require.NoError(t, err)
	require.Greater(t, second, first)
	doc.Version = first
	_, err = s.Put(ctx, doc, author())
	require.ErrorIs(t, err, store.ErrConflict, "who still holds the deleted version must not overwrite its successor")
}

func listing(t *testing.T, s store.Store) {
	ctx := t.Context()
	found, err := s.List(ctx, store.Functions)
	require.NoError(t, err)
	require.Empty(t, found)
	for _, id := range []string{"b", "a-2", "c", "a", "B"} {
		_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: id, Body: fmt.Appendf(nil, "%q", id)}, author())
		require.NoError(t, err)
	}
	_, err = s.Put(ctx, store.Document{Kind: store.Mappings, ID: "other", Body: []byte("{}")}, author())
	require.NoError(t, err)
	found, err = s.List(ctx, store.Functions)
	require.NoError(t, err)
	var ids []string
	for _, doc := range found {
		ids = append(ids, doc.ID)
		require.Equal(t, fmt.Sprintf("%q", doc.ID), string(doc.Body))
	}
	require.Equal(t, []string{"B", "a", "a-2", "b", "c"}, ids)
}

func sharing(t *testing.T, s store.Store) {
	ctx := t.Context()
	body := []byte(`"right"`)
	_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Body: body}, author())
	require.NoError(t, err)
	copy(body, `"wrong"`)
	doc, err := s.Get(ctx, store.Functions, "f")
	require.NoError(t, err)
	require.Equal(t, `"right"`, string(doc.Body))
	copy(doc.Body, `"wrong"`)
	docs, err := s.List(ctx, store.Functions)
	require.NoError(t, err)
	require.Equal(t, `"right"`, string(docs[0].Body))
}

func badDocuments(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Put(ctx, store.Document{Version: -1, Body: []byte("{")}, author())
	for _, fault := range []string{"no kind", "no id", "negative", "not JSON"} {
		require.ErrorContains(t, err, fault, "every fault at once")
	}
	found, err := s.List(ctx, "")
	require.NoError(t, err)
	require.Empty(t, found)
	err = s.Report(ctx, "", store.Functions, "", []byte("{}"))
	require.ErrorContains(t, err, "process")
	require.ErrorContains(t, err, "id")
	_, err = s.Append(ctx, "", []byte("{}"), author())
	require.ErrorContains(t, err, "stream")
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Body: []byte("{}")}, author())
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Append(ctx, "audit", []byte("{}"), author())
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Get(ctx, store.Functions, "f")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Get(t.Context(), store.Functions, "f")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func closedStore(t *testing.T, s store.Store) {
	ctx := t.Context()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is harmless")
	_, err := s.Get(ctx, store.Functions, "f")
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Body: []byte("{}")}, author())
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Append(ctx, "audit", []byte("{}"), author())
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Report(ctx, "p", store.Functions, "f", []byte("{}")), store.ErrClosed)
}
