package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gantry/function"
	"gantry/store"

	"github.com/stretchr/testify/require"
)

const writers = 8

// atOnce runs work in as many goroutines as there are writers and waits for them.
func atOnce(work func(writer int)) {
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { work(i) })
	}
	all.Wait()
}

func oneWinner(t *testing.T, s store.Store) {
	ctx := t.Context()
	for version := range int64(5) {
		var wins, losses atomic.Int32
		atOnce(func(int) {
			_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Version: version, Body: []byte("{}")}, author())
			switch {
			case err == nil:
				wins.Add(1)
			case errors.Is(err, store.ErrConflict):
				losses.Add(1)
			}
		})
		require.EqualValues(t, 1, wins.Load())
		require.EqualValues(t, writers-1, losses.Load())
	}
}

func noLostChange(t *testing.T, s store.Store) {
	ctx := t.Context()
	functions := store.FunctionsOf(s)
	_, err := functions.Put(ctx, store.Item[function.Function]{ID: "f"}, author())
	require.NoError(t, err)
	const each = 5
	atOnce(func(int) {
		for range each {
			_, _, err := functions.Change(ctx, "f", author(), func(f *function.Function) error {
				f.Processes++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	got, version, err := functions.Get(ctx, "f")
	require.NoError(t, err)
	require.Equal(t, writers*each, got.Processes)
	require.EqualValues(t, writers*each+1, version)

	refused := errors.New("refused")
	_, _, err = functions.Change(ctx, "f", author(), func(f *function.Function) error { f.Processes = 0; return refused })
	require.ErrorIs(t, err, refused)
	got, _, err = functions.Get(ctx, "f")
	require.NoError(t, err)
	require.Equal(t, writers*each, got.Processes, "an edit that fails writes nothing")
}

func watching(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	changes := s.Watch(ctx)
	requireWake(t, changes, "the first value comes at once")
	requireQuiet(t, changes)

	for i := range 10 {
		_, err := s.Put(t.Context(), store.Document{Kind: store.Plans, ID: strconv.Itoa(i), Body: []byte("{}")}, author())
		require.NoError(t, err)
	}
	requireWake(t, changes, "after a change")
	requireQuiet(t, changes)

	_, err := s.Put(t.Context(), store.Document{Kind: store.Plans, ID: "0", Body: []byte("{}")}, author())
	require.ErrorIs(t, err, store.ErrConflict)
	requireQuiet(t, changes)
	require.NoError(t, s.Delete(t.Context(), store.Plans, "0", 1, author()))
	requireWake(t, changes, "after a delete")

	cancel()
	select {
	case _, open := <-changes:
		require.False(t, open, "closed when the context ends")
	case <-time.After(10 * time.Second):
		t.Fatal("the channel stays open after its context ended")
	}
	_, err = s.Put(t.Context(), store.Document{Kind: store.Plans, ID: "0", Body: []byte("{}")}, author())
	require.NoError(t, err, "a watcher that left holds nobody up")
}

// watchersAtOnce: whoever watches sees the last write, however many were coalesced.
func watchersAtOnce(t *testing.T, s store.Store) {
	const last = "19"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var seen sync.WaitGroup
	for range 4 {
		changes := s.Watch(ctx)
		seen.Go(func() {
			for range changes {
				doc, err := s.Get(ctx, store.Plans, "p")
				if err == nil && string(doc.Body) == last {
					return
				}
			}
			t.Error("a watcher never saw the last write")
		})
	}
	for i := range 20 {
		_, err := s.Put(ctx, store.Document{Kind: store.Plans, ID: "p", Version: int64(i), Body: []byte(strconv.Itoa(i))}, author())
		require.NoError(t, err)
	}
	seen.Wait()
}

func requireWake(t *testing.T, changes <-chan struct{}, why string) {
	t.Helper()
	select {
	case <-changes:
	default:
		t.Fatal("no wake: " + why)
	}
}

func requireQuiet(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
		t.Fatal("a wake without a change, or changes that were not coalesced")
	default:
	}
}
