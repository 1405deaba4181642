package store_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/memory"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the stored documents in testdata")

// TestStoredFormat reads documents as earlier versions stored them. A vocabulary type
// whose members were renamed or removed fails here, before it fails on somebody's data.
// Members may be added: run with -update and look at the difference.
func TestStoredFormat(t *testing.T) {
	t.Parallel()
	docs := memory.New()
	readBack(t, docs, store.Of[function.Function](docs, store.Functions), "function.json")
	readBack(t, docs, store.Of[mapping.Mapping](docs, store.Mappings), "mapping.json")
}

func readBack[T any](t *testing.T, docs store.Desired, typed store.Typed[T], file string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	var want T
	fill(reflect.ValueOf(&want).Elem())
	if *update {
		body, err := json.MarshalIndent(want, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(body, '\n'), 0o644))
	}
	body, err := os.ReadFile(path)
	require.NoError(t, err)

	version, err := typed.Put(t.Context(), store.Item[T]{ID: "new", Value: want}, store.Write{})
	require.NoError(t, err)
	require.EqualValues(t, 1, version)
	item, err := typed.Item(t.Context(), "new")
	require.NoError(t, err)
	require.Equal(t, want, item.Value, "every member survives the store")

	doc, err := docs.Get(t.Context(), kindOf(want), "new")
	require.NoError(t, err)
	doc.ID, doc.Version, doc.Body = "old", 0, body
	_, err = docs.Put(t.Context(), doc, store.Write{})
	require.NoError(t, err)
	_, err = typed.Item(t.Context(), "old")
	require.NoError(t, err, "a member that was stored is gone from the type")
}

func kindOf(v any) store.Kind {
	if _, ok := v.(mapping.Mapping); ok {
		return store.Mappings
	}
	return store.Functions
}

// fill gives every member a value that is not its zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1_500_000_001)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("no sample value for " + v.Type().String())
	}
}
