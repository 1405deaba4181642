package postgresql

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/databasetest"
	"gantry/sink"
)

// writer makes the sink of some settings beside those that reach the server.
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

// rows gives a table as JSON, ordered.
func rows(t *testing.T, s *databasetest.Server, table string) string {
	t.Helper()
	var text string
	err := s.DB().QueryRowContext(context.Background(), "SELECT coalesce(json_agg(t ORDER BY t::text), '[]')::text FROM "+table+" t").Scan(&text)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	back, err := json.Marshal(v)
	require.NoError(t, err)
	return string(back)
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	s := databasetest.PostgreSQL(t)
	t.Run("upserts and deletes", func(t *testing.T) { upsertsAndDeletes(t, s) })
	t.Run("finds the records at fault", func(t *testing.T) { findsTheRecordsAtFault(t, s) })
	t.Run("guard writes each record once", func(t *testing.T) { guardWritesEachRecordOnce(t, s) })
	t.Run("debezium and schemas", func(t *testing.T) { debeziumAndSchemas(t, s) })
}

func upsertsAndDeletes(t *testing.T, s *databasetest.Server) {
	s.Exec(`CREATE TABLE orders (id bigint PRIMARY KEY, customer varchar(5) NOT NULL DEFAULT 'none', total numeric(10,2), tags text[], doc jsonb, at timestamptz, day date)`)
	w := writer(t, s, nil)
	require.Empty(t, write(t, w, records("orders", 0,
		`{"id":1}`, `{"id":1,"customer":"ann","total":1.5,"tags":["a\"b","c,d",null],"doc":{"x":"ü\u0041"},"at":"2026-01-02T03:04:05Z","day":20000}`,
		`2`, `{"customer":"bob"}`,
		`{"id":3}`, `{"id":3,"customer":"cy"}`,
		`{"id":3}`, ``,
		`2`, `{"total":7}`,
		`{"id":4}`, ``,
		`{"id":4}`, `{"id":4,"doc":"text"}`,
	)))
	require.JSONEq(t, `[{"id":1,"customer":"ann","total":1.50,"tags":["a\"b","c,d",null],"doc":{"x":"üA"},"at":"2026-01-02T03:04:05+00:00","day":"2024-10-04"},
		{"id":2,"customer":"bob","total":7.00,"tags":null,"doc":null,"at":null,"day":null},
		{"id":4,"customer":"none","total":null,"tags":null,"doc":"text","at":null,"day":null}]`, rows(t, s, "orders"))
	require.Empty(t, write(t, w, records("orders", 9, `1`, ``, `1`, `{"total":2}`)))
	require.Contains(t, rows(t, s, "orders"), `{"at":null,"customer":"none","day":null,"doc":null,"id":1,"tags":null,"total":2}`)
}

func findsTheRecordsAtFault(t *testing.T, s *databasetest.Server) {
	s.Exec(`CREATE TABLE bills (id bigint PRIMARY KEY, customer varchar(5), total int CHECK (total < 100))`,
		`CREATE TABLE late (id bigint PRIMARY KEY, of bigint REFERENCES bills DEFERRABLE INITIALLY DEFERRED)`)
	w := writer(t, s, nil)
	var pairs []string
	for i := range 100 {
		pairs = append(pairs, fmt.Sprint(i), fmt.Sprintf(`{"customer":"c%d","total":%d}`, i%10, i%100))
	}
	pairs[2*17+1] = `{"customer":"longer","total":1}`
	pairs[2*40+1] = `{"customer":"c","total":100}`
	pairs[2*41+1] = `not JSON`
	pairs[2*42+1] = `{"customer":"c","more":1}`
	pairs = append(pairs, "17", `{"customer":"ok"}`)
	pairs = append(pairs, "40", `{"customer":"ok"}`)
	failed := write(t, w, records("bills", 0, pairs...))
	require.Len(t, failed, 6)
	require.Contains(t, failed[40], `violates check constraint "bills_total_check"`)
	require.Contains(t, failed[41], `its value is not a JSON object`)
	require.Contains(t, failed[42], `bills has no column more`)
	require.Contains(t, failed[101], `an earlier record of the same key was refused`)
	require.Contains(t, failed[100], `an earlier record of the same key was refused`)
	require.Contains(t, failed[17], `value too long for type character varying(5)`)
	var n int
	require.NoError(t, s.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM bills`).Scan(&n))
	require.Equal(t, 96, n)

	failed = write(t, w, records("late", 0, "1", `{"of":1}`, "2", `{"of":12345}`, "3", `{"of":null}`))
	require.Len(t, failed, 1)
	require.Contains(t, failed[1], "late_of_fkey")
}

func guardWritesEachRecordOnce(t *testing.T, s *databasetest.Server) {
	s.Exec(`CREATE TABLE sums (id bigint, n int CHECK (n < 100))`)
	list := records("sums", 10, "1", `{"n":1}`, "2", `{"n":200}`, "3", `{"n":3}`)
	insert := sink.Settings{"guard": "sums", "mode": "insert", "keyColumns": "id"}
	w := writer(t, s, insert)
	require.Len(t, write(t, w, list), 1)
	require.Empty(t, write(t, w, list[2:]), "written already")
	require.Len(t, write(t, w, list), 1, "the one that was refused is tried again")
	s.Exec(`ALTER TABLE sums DROP CONSTRAINT sums_n_check`)
	require.Empty(t, write(t, w, list))
	require.Empty(t, write(t, w, append(list, records("sums", 13, "4", `{"n":4}`)...)))
	require.JSONEq(t, `[{"id":1,"n":1},{"id":2,"n":200},{"id":3,"n":3},{"id":4,"n":4}]`, rows(t, s, "sums"))
	require.JSONEq(t, `[{"name":"sums","topic":"sums","part":0,"next_offset":14,"refused":""}]`, rows(t, s, "gantry_offsets"))
}

func debeziumAndSchemas(t *testing.T, s *databasetest.Server) {
	w := writer(t, s, sink.Settings{"unknownColumns": "create", "table": "shop_{{ .topic }}"})
	key := func(id int) string {
		return fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,"name":"k"},"payload":{"id":%d}}`, id)
	}
	row := `{"type":"struct","fields":[{"type":"int32","field":"id"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"10"},"field":"total"},{"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","field":"at"},{"type":"int32","optional":true,"name":"io.debezium.time.Date","field":"day"},{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"doc"},{"type":"bytes","optional":true,"field":"raw"},{"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","field":"seen"}],"optional":true,"field":"%s"}`
	schema := `{"type":"struct","fields":[` + fmt.Sprintf(row, "before") + `,` + fmt.Sprintf(row, "after") + `,{"type":"string","field":"op"}],"optional":false,"name":"e"}`
	event := func(op, before, after string) string {
		return fmt.Sprintf(`{"schema":%s,"payload":{"before":%s,"after":%s,"op":%q,"source":{"ts_ms":1}}}`, schema, before, after, op)
	}
	one := `{"id":1,"total":"/zg=","at":1767323045000006,"day":20000,"doc":"{\"a\": 1}","raw":"AAH/","seen":"2026-01-02T03:04:05Z"}`
	require.Empty(t, write(t, w, records("orders", 0,
		key(1), event("r", "null", one),
		key(2), event("c", "null", `{"id":2,"total":null,"at":null,"day":null,"doc":null,"raw":null,"seen":null}`),
		key(3), event("c", "null", `{"id":3,"total":"AA==","at":0,"day":0,"doc":"[]","raw":"","seen":null}`),
		key(3), event("d", `{"id":3}`, "null"),
		key(3), "",
		key(1), event("u", one, `{"id":1,"total":"AMg=","at":1767323045000006,"day":20000,"doc":"__debezium_unavailable_value","raw":"AAH/","seen":null}`),
		`{"id":4}`, `{"op":"u","before":null,"after":{"id":4,"total":1.25}}`,
	)))
	require.JSONEq(t, `[{"id":1,"total":2.00,"at":"2026-01-02T03:04:05.000006","day":"2024-10-04","doc":{"a":1},"raw":"\\x0001ff","seen":null},
		{"id":2,"total":null,"at":null,"day":null,"doc":null,"raw":null,"seen":null},
		{"id":4,"total":1.25,"at":null,"day":null,"doc":null,"raw":null,"seen":null}]`, rows(t, s, "shop_orders"))
	failed := write(t, w, records("orders", 7, `{"id":5}`, `{"op":"t","before":null,"after":null}`))
	require.Contains(t, failed[0], "gantry does not empty tables")
}
