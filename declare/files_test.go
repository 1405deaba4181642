package declare_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/memory"
)

// nowhere is a source whose clusters can't be reached.
type nowhere struct{}

func (nowhere) Resolve(context.Context, *mapping.Mapping) error { return context.DeadlineExceeded }

func (nowhere) Begins(context.Context, mapping.Mapping) (string, error) { return "", nil }

func parsed(t *testing.T, name string, mappings ...string) *declare.File {
	text := "functions: {f: {http: 'http://127.0.0.1:9/'}}\nmappings:\n"
	for _, m := range mappings {
		text += fmt.Sprintf("  %s: {function: f, brokers: ['127.0.0.1:9092'], topic: orders, startingPosition: LATEST}\n", m)
	}
	f, err := declare.Parse([]byte(text), declare.Identity{Name: name})
	require.NoError(t, err)
	return f
}

// A file speaks of what it declares and of nothing else: a second file beside it, and
// what the API made, stay as they are.
func TestAFileOwnsWhatItDeclaresAndNoMore(t *testing.T) {
	t.Parallel()
	docs := memory.New()
	a := declare.Applier{Store: docs, Source: nowhere{}, Now: time.Now}
	apply := func(f *declare.File, prune bool) map[string]declare.Action {
		changes, err := a.Apply(t.Context(), f, declare.Options{Prune: prune, By: store.Write{Actor: "test"}})
		require.NoError(t, err)
		out := map[string]declare.Action{}
		for _, c := range changes {
			if c.Kind == store.Mappings {
				out[c.Name] = c.Action
			}
		}
		return out
	}
	require.Equal(t, map[string]declare.Action{"one": declare.Create, "two": declare.Create}, apply(parsed(t, "/a/first.yaml", "one", "two"), false))
	require.Equal(t, map[string]declare.Action{"three": declare.Create}, apply(parsed(t, "second.yaml", "three"), true))
	require.Equal(t, map[string]declare.Action{"one": declare.Unchanged, "two": declare.Pause}, apply(parsed(t, "./first.yaml", "one"), false))
	require.Equal(t, map[string]declare.Action{"one": declare.Unchanged, "two": declare.Delete}, apply(parsed(t, "first.yaml", "one"), true))
	m, _, err := store.MappingsOf(docs).Get(t.Context(), declare.UUID(declare.DefaultAccountID, declare.DefaultRegion, "three"))
	require.NoError(t, err)
	require.True(t, m.Enabled)
	require.False(t, m.Deleting)
}
