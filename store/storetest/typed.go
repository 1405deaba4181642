package storetest

import (
	"testing"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"

	"github.com/stretchr/testify/require"
)

// sampleMapping has something in every kind of member that JSON could spoil: durations
// below a second, nil against 0, the -1 ns of Endless, numbers as map keys.
func sampleMapping() mapping.Mapping {
	none := time.Duration(0)
	return mapping.Mapping{
		UUID: "6f1f3a52-9c1c-4d8e-8f43-0d6b5f6b1f10",
		Name: "orders",
		Source: mapping.Source{
			Bootstrap: []string{"kafka-1:9093"},
			Topics:    []string{"orders"},
			Access:    []mapping.Access{{Type: mapping.BasicAuth, URI: "secret:kafka"}},
		},
		Functions:      []mapping.Consumer{{Function: "resize", Filters: []string{`{"value":{"a":["<&>"]}}`}}},
		Enabled:        true,
		Start:          mapping.AtTimestamp,
		StartTime:      time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC),
		Window:         &none,
		RetryAttempts:  mapping.Endless,
		RecordAge:      mapping.Endless,
		Pollers:        &mapping.Pollers{Minimum: 1, Maximum: 3},
		SessionTimeout: 6500 * time.Millisecond,
		Positions:      map[string]map[int32]int64{"orders": {0: 1 << 60, 11: 0}},
		Tags:           map[string]string{"team": "ships & cranes"},
		LastModified:   time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
}

func sampleFunction() function.Function {
	never := 0
	return function.Function{
		Name:        "resize",
		Kind:        function.Process,
		Runtime:     "python3.12",
		Code:        function.Code{SHA256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", Size: 1 << 20},
		Timeout:     1500 * time.Millisecond,
		Environment: map[string]string{"GREETING": "a=\"b\"\n\u2028"},
		Concurrency: &never,
	}
}

func typedValues(t *testing.T, s store.Store) {
	ctx := t.Context()
	mappings, functions := store.MappingsOf(s), store.FunctionsOf(s)
	want := sampleMapping()
	version, err := mappings.Put(ctx, store.Item[mapping.Mapping]{ID: want.UUID, Value: want}, author())
	require.NoError(t, err)
	require.EqualValues(t, 1, version)
	got, version, err := mappings.Get(ctx, want.UUID)
	require.NoError(t, err)
	require.EqualValues(t, 1, version)
	require.Equal(t, want, got)

	want.Window, want.UUID = nil, "a"
	_, err = mappings.Put(ctx, store.Item[mapping.Mapping]{ID: "a", Value: want}, author())
	require.NoError(t, err)
	items, err := mappings.List(ctx)
	require.NoError(t, err)
	require.Len(t, items, 2)
	require.Nil(t, items[1].Value.Window, "never set is not 0")
	require.NotNil(t, items[0].Value.Window)
	require.Equal(t, author(), items[0].By)

	resize := sampleFunction()
	_, err = functions.Put(ctx, store.Item[function.Function]{ID: resize.Name, Value: resize}, author())
	require.NoError(t, err)
	stored, _, err := functions.Get(ctx, resize.Name)
	require.NoError(t, err)
	require.Equal(t, resize, stored)
	require.ErrorIs(t, functions.Delete(ctx, resize.Name, 9, author()), store.ErrConflict)
	require.NoError(t, functions.Delete(ctx, resize.Name, 1, author()))
	_, _, err = functions.Get(ctx, resize.Name)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func unknownMembers(t *testing.T, s store.Store) {
	ctx := t.Context()
	for id, body := range map[string]string{"newer": `{"Name":"newer","Lanes":4}`, "broken": `{"Timeout":"x"}`} {
		_, err := s.Put(ctx, store.Document{Kind: store.Functions, ID: id, Body: []byte(body)}, author())
		require.NoError(t, err)
	}
	_, _, err := store.FunctionsOf(s).Get(ctx, "newer")
	require.ErrorIs(t, err, store.ErrNewer)
	require.ErrorContains(t, err, "Lanes")
	_, _, err = store.FunctionsOf(s).Get(ctx, "broken")
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNewer)
	_, err = store.FunctionsOf(s).List(ctx)
	require.Error(t, err, "a list never leaves out what it can't read")
}
