package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/function"
	"gantry/store"
	"gantry/store/embedded"
)

// TestAnOldStoreIsSealed: the store of an earlier gantry is read, and afterwards its file
// holds none of what it held in plain text.
func TestAnOldStoreIsSealed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	old, err := embedded.Open(dir)
	require.NoError(t, err)
	fn := function.Function{Name: "f", Environment: map[string]string{"PASSWORD": "geheim-7431"}}
	_, err = store.FunctionsOf(old).Put(t.Context(), store.Item[function.Function]{ID: "f", Value: fn}, store.Write{})
	require.NoError(t, err)
	id := old.ID()
	require.NoError(t, old.Close())
	require.True(t, holds(t, dir, "geheim-7431"))

	s := &server{opts: options{file: &declare.File{DataDir: dir}, log: slog.New(slog.DiscardHandler)}}
	for range 2 {
		db, process, err := s.openStore(context.Background())
		require.NoError(t, err)
		require.Equal(t, id, process)
		got, _, err := store.FunctionsOf(db).Get(t.Context(), "f")
		require.NoError(t, err)
		require.Equal(t, fn.Environment, got.Environment)
		require.NoError(t, db.Close())
		require.False(t, holds(t, dir, "geheim-7431"))
		require.NoFileExists(t, filepath.Join(dir, toCompact))
	}
}

func holds(t *testing.T, dir, text string) bool {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, "gantry.db"))
	require.NoError(t, err)
	return bytes.Contains(body, []byte(text))
}
