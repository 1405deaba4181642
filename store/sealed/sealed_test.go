package sealed_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/store"
	"gantry/store/memory"
	"gantry/store/sealed"
	"gantry/store/storetest"
)

func keyOf(b byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
}

func ring(t *testing.T, keys ...byte) *sealed.Ring {
	t.Helper()
	var lines []string
	for _, b := range keys {
		lines = append(lines, keyOf(b))
	}
	r, err := sealed.ParseRing("# comment\n" + strings.Join(lines, "\n"))
	require.NoError(t, err)
	return r
}

func TestSealed(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
		return sealed.New(memory.New(), ring(t, 'a')), nil
	})
}

const secretBody = `{"Environment":{"PASSWORD":"geheim"}}`

func put(t *testing.T, s store.Desired, id string) {
	t.Helper()
	_, err := s.Put(t.Context(), store.Document{Kind: store.Functions, ID: id, Body: []byte(secretBody)}, store.Write{Actor: "a"})
	require.NoError(t, err)
}

func raw(t *testing.T, s store.Desired, id string) string {
	t.Helper()
	doc, err := s.Get(t.Context(), store.Functions, id)
	require.NoError(t, err)
	return string(doc.Body)
}

func reseal(t *testing.T, s *sealed.Store, want ...string) {
	t.Helper()
	names, err := s.Unsealed(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, names)
	require.NoError(t, s.Reseal(t.Context(), names))
	names, err = s.Unsealed(t.Context())
	require.NoError(t, err)
	require.Empty(t, names)
}

// TestOldStoresAreSealed: what was stored plain is read, and sealed by Reseal; the key
// is rotated the same way, and the old one can go afterwards.
func TestOldStoresAreSealed(t *testing.T) {
	t.Parallel()
	under := memory.New()
	put(t, under, "old")
	s := sealed.New(under, ring(t, 'a'))
	require.Equal(t, secretBody, raw(t, s, "old"))
	reseal(t, s, "old")
	require.NotContains(t, raw(t, under, "old"), "geheim")
	require.NotContains(t, raw(t, under, "old"), "PASSWORD")
	put(t, s, "new")
	require.NotContains(t, raw(t, under, "new"), "geheim")

	rotated := sealed.New(under, ring(t, 'b', 'a'))
	require.Equal(t, secretBody, raw(t, rotated, "new"))
	reseal(t, rotated, "new", "old")
	only := sealed.New(under, ring(t, 'b'))
	require.Equal(t, secretBody, raw(t, only, "new"))
	doc, err := only.Get(t.Context(), store.Functions, "old")
	require.NoError(t, err)
	require.Equal(t, "a", doc.By.Actor)

	_, err = sealed.New(under, ring(t, 'c')).List(t.Context(), store.Functions)
	require.ErrorContains(t, err, "not among the store's keys")
	err = sealed.New(under, ring(t, 'c')).Reseal(t.Context(), []string{"old", "new"})
	require.Error(t, err)
	require.Equal(t, secretBody, raw(t, only, "new"), "what can't be opened stays")
}

// TestSealsCanNotBeMoved: a document in another's place, or changed, does not open.
func TestSealsCanNotBeMoved(t *testing.T) {
	t.Parallel()
	under := memory.New()
	s := sealed.New(under, ring(t, 'a'))
	put(t, s, "one")
	body := raw(t, under, "one")
	for id, text := range map[string]string{"two": body, "three": strings.Replace(body, `"data":"`, `"data":"AAAA`, 1)} {
		_, err := under.Put(t.Context(), store.Document{Kind: store.Functions, ID: id, Body: []byte(text)}, store.Write{})
		require.NoError(t, err)
		_, err = s.Get(t.Context(), store.Functions, id)
		require.ErrorContains(t, err, "changed on disk")
	}
}

// TestQueuesAreSealed: what waits is ciphertext below, moves to the current key, and opens
// in its own queue only.
func TestQueuesAreSealed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	under := memory.New()
	s := sealed.New(under, ring(t, 'a'))
	_, err := s.Push(ctx, "f", []byte(secretBody))
	require.NoError(t, err)
	put(t, s, "f")
	rotated := sealed.New(under, ring(t, 'b', 'a'))
	reseal(t, rotated, "f")
	below, err := under.Items(ctx, "f", 1, 10)
	require.NoError(t, err)
	require.Len(t, below, 1)
	require.NotContains(t, string(below[0].Body), "geheim")

	only := sealed.New(under, ring(t, 'b'))
	items, err := only.Items(ctx, "f", 1, 10)
	require.NoError(t, err)
	require.Equal(t, secretBody, string(items[0].Body))
	_, err = s.Items(ctx, "f", 1, 10)
	require.ErrorContains(t, err, "not among the store's keys")
	_, err = under.Push(ctx, "g", below[0].Body)
	require.NoError(t, err)
	_, err = only.Items(ctx, "g", 1, 10)
	require.ErrorContains(t, err, "changed on disk")
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := sealed.DataRing(dir)
	require.NoError(t, err)
	path := filepath.Join(dir, sealed.KeyFile)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = sealed.DataRing(dir)
	require.NoError(t, err)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, again)
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = sealed.DataRing(dir)
	require.ErrorContains(t, err, "chmod 600")

	for _, bad := range []string{"", "# none", "c2hvcnQ=", "not base64 geheim"} {
		_, err := sealed.ParseRing(bad)
		require.ErrorContains(t, err, "openssl rand")
		require.NotContains(t, err.Error(), "geheim")
	}
}
