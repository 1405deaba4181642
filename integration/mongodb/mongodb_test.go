package mongodb

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gantry/internal/databasetest"
	"gantry/sink"
)

func writer(t *testing.T, address string, more sink.Settings) sink.Sink {
	t.Helper()
	all := sink.Settings{"uri": "mongodb://" + address, "database": "shop"}
	for name, value := range more {
		all[name] = value
	}
	full, err := Spec().Prepare(all)
	require.NoError(t, err)
	w, err := Spec().New(full, sink.Deps{})
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func records(topic string, pairs ...string) []sink.Record {
	var list []sink.Record
	for i := 0; i < len(pairs); i += 2 {
		r := sink.Record{Topic: topic, Offset: int64(i / 2), Key: []byte(pairs[i])}
		if pairs[i+1] != "" {
			r.Value = []byte(pairs[i+1])
		}
		list = append(list, r)
	}
	return list
}

// write gives what was refused, by index.
func write(t *testing.T, w sink.Sink, list []sink.Record) map[int]string {
	t.Helper()
	r, err := w.Write(t.Context(), list)
	require.NoError(t, err)
	failed := map[int]string{}
	for _, f := range r.Failed {
		failed[f.Index] = fmt.Sprintf("%v: %v", sink.CauseOf(f.Err), f.Err)
	}
	return failed
}

// documents gives a collection as Extended JSON, ordered by _id.
func documents(t *testing.T, address, collection string) (list []string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address))
	require.NoError(t, err)
	defer client.Disconnect(t.Context())
	found, err := client.Database("shop").Collection(collection).Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	require.NoError(t, err)
	for found.Next(t.Context()) {
		list = append(list, found.Current.String())
	}
	require.NoError(t, found.Err())
	return list
}

func TestMongoDB(t *testing.T) {
	t.Parallel()
	s := databasetest.StartMongo(t)
	t.Run("replaces, deletes, one write a document", func(t *testing.T) {
		w := writer(t, s.Address, nil)
		require.Empty(t, write(t, w, records("orders",
			`{"id":1}`, `{"a":1,"b":{"c":[1,2.5]}}`, `{"id":2}`, `{"a":2}`, `{"id":1}`, `{"a":3,"at":{"$date":"2026-01-02T03:04:05Z"}}`,
			`{"id":2}`, ``, `{"id":3}`, ``, `"text"`, `{"op":"c","before":null,"after":{"_id":"text","x":true}}`)))
		got := documents(t, s.Address, "orders")
		require.Len(t, got, 2)
		require.JSONEq(t, `{"_id":{"$numberLong":"1"},"a":{"$numberLong":"3"},"at":{"$date":{"$numberLong":"1767323045000"}}}`, got[0])
		require.JSONEq(t, `{"_id":"text","x":true}`, got[1])
	})
	t.Run("merges", func(t *testing.T) {
		w := writer(t, s.Address, sink.Settings{"mode": "merge"})
		require.Empty(t, write(t, w, records("merged", `1`, `{"a":1}`, `1`, `{"b":2}`, `2`, `{"a":1}`)))
		require.Empty(t, write(t, w, records("merged", `1`, `{"c":3}`, `2`, ``, `2`, `{"z":1}`)))
		got := documents(t, s.Address, "merged")
		require.JSONEq(t, `{"_id":{"$numberLong":"1"},"a":{"$numberLong":"1"},"b":{"$numberLong":"2"},"c":{"$numberLong":"3"}}`, got[0])
		require.JSONEq(t, `{"_id":{"$numberLong":"2"},"z":{"$numberLong":"1"}}`, got[1])
	})
	t.Run("names the documents at fault", func(t *testing.T) {
		client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + s.Address))
		require.NoError(t, err)
		defer client.Disconnect(t.Context())
		_, err = client.Database("shop").Collection("users").Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)})
		require.NoError(t, err)
		failed := write(t, writer(t, s.Address, nil), records("users", `1`, `{"email":"a"}`, `2`, `{"email":"a"}`, `3`, `[]`, `4`, `{"email":"d"}`, `2`, `{"email":"a","n":2}`))
		require.Len(t, failed, 3)
		require.Contains(t, failed[1], "duplicate key")
		require.Equal(t, failed[1], failed[4])
		require.Contains(t, failed[2], "is not a JSON object")
		require.Len(t, documents(t, s.Address, "users"), 2)
	})
	t.Run("a server that is away is nobody's fault", func(t *testing.T) {
		w := writer(t, s.Address, sink.Settings{"timeout": "2s"})
		require.Empty(t, write(t, w, records("kept", `1`, `{"a":1}`)))
		s.Stop()
		failed := write(t, w, records("kept", `2`, `{"a":2}`))
		require.Contains(t, failed[0], "busy: ")
		s.Start()
		require.Empty(t, write(t, w, records("kept", `2`, `{"a":2}`)))
		require.Len(t, documents(t, s.Address, "kept"), 2)
	})
}
