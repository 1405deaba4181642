package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"gantry/store"

	"github.com/stretchr/testify/require"
)

func push(t *testing.T, s store.Store, queue, body string) int64 {
	t.Helper()
	sequence, err := s.Push(t.Context(), queue, []byte(body))
	require.NoError(t, err)
	return sequence
}

func bodies(t *testing.T, s store.Store, from int64, limit int) []string {
	t.Helper()
	items, err := s.Items(t.Context(), "f", from, limit)
	require.NoError(t, err)
	var out []string
	for _, i := range items {
		out = append(out, string(i.Body))
	}
	return out
}

func queues(t *testing.T, s store.Store) []string {
	t.Helper()
	names, err := s.Queues(t.Context())
	require.NoError(t, err)
	return names
}

func queueOrder(t *testing.T, s store.Store) {
	require.Empty(t, queues(t, s))
	require.Empty(t, bodies(t, s, 1, 10))
	var first, last int64
	for i := range 300 { // past one byte, where a wrong byte order shows
		last = push(t, s, "f", fmt.Sprint(i))
		if i == 0 {
			first = last
		}
	}
	push(t, s, "g", `"other"`)
	all := bodies(t, s, 0, 1000)
	require.Len(t, all, 300)
	for i, body := range all {
		require.Equal(t, fmt.Sprint(i), body)
	}
	require.Equal(t, []string{"0", "1"}, bodies(t, s, first, 2))
	require.Equal(t, []string{"299"}, bodies(t, s, last, 2))
	require.Empty(t, bodies(t, s, last+1, 2))
	require.Empty(t, bodies(t, s, 1, 0))
	require.Equal(t, []string{"f", "g"}, queues(t, s))

	for _, bad := range [][2]string{{"", "{}"}, {"f", "no JSON"}, {"f", ""}} {
		_, err := s.Push(t.Context(), bad[0], []byte(bad[1]))
		require.Error(t, err)
	}
	require.Len(t, bodies(t, s, 0, 1000), 300)
}

func queueChanges(t *testing.T, s store.Store) {
	ctx := t.Context()
	one, two, three := push(t, s, "f", "1"), push(t, s, "f", "2"), push(t, s, "f", "3")
	body := []byte(`"zwei"`)
	require.NoError(t, s.Replace(ctx, "f", store.Queued{Sequence: two, Body: body}))
	copy(body, "xxxxxx")
	require.Equal(t, []string{"1", `"zwei"`, "3"}, bodies(t, s, 1, 10), "in its place, with bytes of its own")
	require.Error(t, s.Replace(ctx, "f", store.Queued{Sequence: two, Body: []byte("no JSON")}))

	require.NoError(t, s.Remove(ctx, "f", two))
	require.NoError(t, s.Remove(ctx, "f", two), "nothing to remove is no error")
	require.NoError(t, s.Remove(ctx, "never", 1))
	require.ErrorIs(t, s.Replace(ctx, "f", store.Queued{Sequence: two, Body: []byte("{}")}), store.ErrNotFound)
	require.ErrorIs(t, s.Replace(ctx, "never", store.Queued{Sequence: one, Body: []byte("{}")}), store.ErrNotFound)
	require.Equal(t, []string{"1", "3"}, bodies(t, s, 1, 10))

	push(t, s, "g", "4")
	n, err := s.Drop(ctx, "f")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = s.Drop(ctx, "f")
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoError(t, s.Remove(ctx, "f", three))
	require.Equal(t, []string{"g"}, queues(t, s))
}

func queueSequences(t *testing.T, s store.Store) {
	before := push(t, s, "f", "1")
	_, err := s.Drop(t.Context(), "f")
	require.NoError(t, err)
	after := push(t, s, "f", "2")
	require.Greater(t, after, before, "after a drop")
	require.NoError(t, s.Remove(t.Context(), "f", after))
	require.Empty(t, queues(t, s))
	require.Greater(t, push(t, s, "f", "3"), after, "after a removal")
	require.Greater(t, push(t, s, "g", "4"), after+1, "over all queues")
}

func queueAtOnce(t *testing.T, s store.Store) {
	const each = 20
	var mu sync.Mutex
	kept := map[int64]bool{}
	atOnce(func(writer int) {
		for i := range each {
			sequence, err := s.Push(t.Context(), "f", fmt.Appendf(nil, "%d", i))
			if err == nil && i%2 == 0 {
				err = s.Remove(t.Context(), "f", sequence)
			}
			if err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
			mu.Lock()
			if i%2 == 1 {
				kept[sequence] = true
			}
			mu.Unlock()
		}
	})
	items, err := s.Items(t.Context(), "f", 1, 10_000)
	require.NoError(t, err)
	require.Len(t, items, len(kept))
	for _, i := range items {
		require.True(t, kept[i.Sequence])
	}
}

func queueAfterReopening(t *testing.T, s store.Store, reopen func() store.Store) {
	large := `"` + string(bytes.Repeat([]byte("x"), 1<<20)) + `"`
	one := push(t, s, "f", large)
	two := push(t, s, "f", "2")
	require.NoError(t, s.Replace(t.Context(), "f", store.Queued{Sequence: two, Body: []byte("3")}))
	s = reopen()
	require.Equal(t, []string{large, "3"}, bodies(t, s, 1, 10))
	require.NoError(t, s.Remove(t.Context(), "f", one))
	s = reopen()
	require.Equal(t, []string{"3"}, bodies(t, s, 1, 10))
	require.Greater(t, push(t, s, "f", "4"), two)
}
