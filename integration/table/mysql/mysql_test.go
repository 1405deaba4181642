package mysql

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/databasetest"
	"gantry/sink"
)

func writer(t *testing.T, s *databasetest.Server, more sink.Settings) sink.Sink {
	t.Helper()
	all := sink.Settings{"host": s.Address(), "database": s.Database, "user": s.User, "tls": "disable"}
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

func records(topic string, from int64, pairs ...string) []sink.Record {
	var list []sink.Record
	for i := 0; i < len(pairs); i += 2 {
		r := sink.Record{Topic: topic, Offset: from + int64(i/2), Key: []byte(pairs[i])}
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

// column gives one text for each row of a query.
func column(t *testing.T, s *databasetest.Server, query string) []string {
	t.Helper()
	found, err := s.DB().QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer found.Close()
	var list []string
	for found.Next() {
		var one string
		require.NoError(t, found.Scan(&one))
		list = append(list, one)
	}
	require.NoError(t, found.Err())
	return list
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	s := databasetest.MariaDB(t) // it takes seconds to start: one for all
	t.Run("upserts, deletes and faults", func(t *testing.T) { upsertsDeletesAndFaults(t, s) })
	t.Run("never changes another row", func(t *testing.T) { neverChangesAnotherRow(t, s) })
	t.Run("makes tables", func(t *testing.T) { makesTables(t, s) })
}

func upsertsDeletesAndFaults(t *testing.T, s *databasetest.Server) {
	s.Exec("CREATE TABLE orders (id bigint PRIMARY KEY, customer varchar(5), total decimal(10,2) CHECK (total < 100), doc json, at datetime(3), paid boolean, raw blob)")
	w := writer(t, s, nil)
	require.Empty(t, write(t, w, records("orders", 0,
		`{"id":1}`, `{"id":1,"customer":"ann","total":1.5,"doc":{"x":"ü\""},"at":"2026-01-02T03:04:05.678Z","paid":true,"raw":"a'b"}`,
		`2`, `{"customer":"bob"}`,
		`3`, `{"customer":"cy"}`,
		`3`, ``,
		`2`, `{"total":7}`,
		`4`, ``,
	)))
	require.Equal(t, []string{`1|ann|1.50|{"x":"ü\""}|2026-01-02 03:04:05.678|1|a'b`, `2|bob|7.00|||0|`},
		column(t, s, "SELECT concat_ws('|', id, customer, total, coalesce(doc,''), coalesce(at,''), coalesce(paid,0), coalesce(raw,'')) FROM orders ORDER BY id"))

	failed := write(t, w, records("orders", 6,
		`1`, `{"customer":"longer"}`,
		`2`, `{"customer":"ok","total":100}`,
		`5`, `{"at":"yesterday"}`,
		`6`, `{"doc":["a text"],"customer":"six"}`,
		`7`, `{"nothing":1}`,
		`8`, `{"total":"much"}`))
	require.Len(t, failed, 5)
	require.Contains(t, failed[0], "Data too long for column 'customer'")
	require.Contains(t, failed[1], "CONSTRAINT")
	require.Contains(t, failed[2], "Incorrect datetime value")
	require.Contains(t, failed[4], "orders has no column nothing")
	require.Contains(t, failed[5], "Incorrect decimal value")
	require.Equal(t, []string{"1ann", "2bob", "6six"}, column(t, s, "SELECT concat(id, customer) FROM orders ORDER BY id"))
}

func neverChangesAnotherRow(t *testing.T, s *databasetest.Server) {
	s.Exec("CREATE TABLE users (id varchar(20) PRIMARY KEY, email varchar(50) UNIQUE, n int)")
	w := writer(t, s, sink.Settings{"guard": "users"})
	require.Empty(t, write(t, w, records("users", 0, `"a"`, `{"email":"x","n":1}`, `"b"`, `{"email":"y","n":2}`)))
	failed := write(t, w, records("users", 2, `"c"`, `{"email":"x","n":3}`, `"b"`, `{"email":"z","n":4}`))
	require.Len(t, failed, 1)
	require.Contains(t, failed[0], "in conflict with another row of a unique index")
	require.Equal(t, []string{"a x 1", "b z 4"}, column(t, s, "SELECT concat(id, ' ', email, ' ', n) FROM users ORDER BY id"))
	require.Equal(t, []string{"users users 0 4 2"}, column(t, s, "SELECT concat_ws(' ', name, topic, part, next_offset, refused) FROM gantry_offsets"))
	require.Empty(t, write(t, w, records("users", 2, `"c"`, `{"email":"w","n":3}`)), "the one that was refused")
	require.Empty(t, write(t, w, records("users", 1, `"b"`, `{"email":"old","n":0}`)), "written before")
	require.Equal(t, []string{"a x 1", "b z 4", "c w 3"}, column(t, s, "SELECT concat(id, ' ', email, ' ', n) FROM users ORDER BY id"))
}

func makesTables(t *testing.T, s *databasetest.Server) {
	w := writer(t, s, sink.Settings{"unknownColumns": "create"})
	require.Empty(t, write(t, w, records("made", 0, `{"id":1}`, `{"op":"c","before":null,"after":{"id":1,"a":"x"}}`, `{"id":2}`, `{"op":"u","before":null,"after":{"id":2,"a":"y","b":2.5}}`)))
	require.Equal(t, []string{"1 x -", "2 y 2.5"}, column(t, s, "SELECT concat_ws(' ', id, a, coalesce(b, '-')) FROM made ORDER BY id"))
}
