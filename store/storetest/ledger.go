package storetest

import (
	"fmt"
	"testing"
	"time"

	"gantry/store"

	"github.com/stretchr/testify/require"
)

func reports(t *testing.T, s store.Store) {
	ctx := t.Context()
	found, err := s.Reports(ctx, store.Mappings, "m")
	require.NoError(t, err)
	require.NotNil(t, found)
	require.Empty(t, found)

	for _, r := range [][2]string{{"one", "1"}, {"two", "2"}, {"one", "3"}, {"one", "3"}} {
		require.NoError(t, s.Report(ctx, r[0], store.Mappings, "m", []byte(r[1])))
	}
	require.NoError(t, s.Report(ctx, "one", store.Mappings, "other", []byte("9")))
	found, err = s.Reports(ctx, store.Mappings, "m")
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"one": []byte("3"), "two": []byte("2")}, found)

	require.NoError(t, s.Withdraw(ctx, "one", store.Mappings, "m"))
	require.NoError(t, s.Withdraw(ctx, "one", store.Mappings, "m"), "nothing to forget is no error")
	require.NoError(t, s.Withdraw(ctx, "two", store.Mappings, "m"))
	require.NoError(t, s.Withdraw(ctx, "two", store.Plans, "never"))
	found, err = s.Reports(ctx, store.Mappings, "m")
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = s.Reports(ctx, store.Mappings, "other")
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func ledgerOrder(t *testing.T, s store.Store) {
	ctx := t.Context()
	entries, err := s.Read(ctx, "audit", 1, 10)
	require.NoError(t, err)
	require.Empty(t, entries)
	before := time.Now().Add(-time.Second)
	for i := range 300 { // past one byte, where a wrong byte order shows
		sequence, err := s.Append(ctx, "audit", fmt.Appendf(nil, "not JSON %d\n", i+1), author())
		require.NoError(t, err)
		require.EqualValues(t, i+1, sequence)
	}
	sequence, err := s.Append(ctx, "another", nil, author())
	require.NoError(t, err)
	require.EqualValues(t, 1, sequence, "streams count for themselves")

	entries, err = s.Read(ctx, "audit", 0, 1000)
	require.NoError(t, err)
	require.Len(t, entries, 300)
	for i, e := range entries {
		require.EqualValues(t, i+1, e.Sequence)
		require.Equal(t, fmt.Sprintf("not JSON %d\n", i+1), string(e.Body))
		require.Equal(t, author(), e.By)
		require.WithinRange(t, e.At, before, time.Now().Add(time.Second))
	}
	entries, err = s.Read(ctx, "audit", 255, 3)
	require.NoError(t, err)
	require.Len(t, entries, 3)
	require.EqualValues(t, 255, entries[0].Sequence)
	for _, none := range [][2]int64{{301, 10}, {1, 0}, {1, -1}} {
		entries, err = s.Read(ctx, "audit", none[0], int(none[1]))
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}

func ledgerAtOnce(t *testing.T, s store.Store) {
	ctx := t.Context()
	const each = 10
	atOnce(func(writer int) {
		for i := range each {
			if _, err := s.Append(ctx, "audit", fmt.Appendf(nil, "%d %d", writer, i), author()); err != nil {
				t.Error(err)
			}
		}
	})
	entries, err := s.Read(ctx, "audit", 1, 1000)
	require.NoError(t, err)
	require.Len(t, entries, writers*each)
	next := map[int]int{}
	for i, e := range entries {
		require.EqualValues(t, i+1, e.Sequence, "no gap, no repeat")
		var writer, n int
		_, err := fmt.Sscanf(string(e.Body), "%d %d", &writer, &n)
		require.NoError(t, err)
		require.Equal(t, next[writer], n, "what one writer appended stays in its order")
		next[writer]++
	}
}

func afterReopening(t *testing.T, s store.Store, reopen func() store.Store) {
	ctx := t.Context()
	for round := range int64(3) {
		_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Version: round, Body: fmt.Append(nil, round)}, author())
		require.NoError(t, err)
		require.NoError(t, s.Report(ctx, "p", store.Functions, "f", fmt.Append(nil, round)))
		sequence, err := s.Append(ctx, "audit", fmt.Append(nil, round), author())
		require.NoError(t, err)
		require.Equal(t, round+1, sequence, "the sequence goes on")
		was, err := s.Get(ctx, store.Functions, "f")
		require.NoError(t, err)

		s = reopen()
		doc, err := s.Get(ctx, store.Functions, "f")
		require.NoError(t, err)
		require.Equal(t, was, doc)
		found, err := s.Reports(ctx, store.Functions, "f")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(round), string(found["p"]))
	}
	entries, err := s.Read(ctx, "audit", 1, 10)
	require.NoError(t, err)
	for i, e := range entries {
		require.Equal(t, fmt.Sprint(i), string(e.Body))
	}
	require.Len(t, entries, 3)

	require.NoError(t, s.Delete(ctx, store.Functions, "f", 3, author()))
	s = reopen()
	version, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: "f", Body: []byte("{}")}, author())
	require.NoError(t, err)
	require.EqualValues(t, 4, version, "a deleted version stays spent across a restart")
}
