package integrations_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gantry/internal/databasetest"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const (
	databaseRecords = 12_000
	databaseKeys    = 3000
)

// Databases: one topic into PostgreSQL, MariaDB, a MongoDB-wire server and OpenSearch behind
// a proxy that throttles and breaks off, with tombstones and records that gantry or the server refuses,
// while gantry is killed twice and each server is restarted. Nothing is lost: each ends with
// the rows that the records come to, and the refused ones are in the dead letters.
func TestDatabases(t *testing.T) {
	t.Parallel()
	kafkatest.Need(t, kafkatest.Latest)
	c := kafkatest.Shared(t)
	pg, maria, mongoServer, search := databasetest.PostgreSQL(t), databasetest.MariaDB(t), databasetest.StartMongo(t), databasetest.StartSearch(t)
	pg.Exec("CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), name varchar(20))", "CREATE TABLE seen (id int, n int CHECK (n >= 0), name text)")
	maria.Exec("CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), name varchar(20))")
	search.Do("PUT", "/things", `{"mappings":{"properties":{"n":{"type":"unsigned_long"}}}}`)
	between := standBefore(t, search.URL, 6)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 4, nil)
	for _, kind := range kinds {
		c.CreateTopic(t, topic+"-"+kind, 1, nil)
	}
	load, want, negative, bad := things(topic)
	g := gantrytest.Start(t, gantrytest.Options{Config: databasesConfig(c, topic, pg, maria, mongoServer.Address, between.URL)})
	t.Cleanup(g.Kill)
	crashes := []func(){
		func() { g.Kill(); g.Up() },
		func() { pg.Kill(); pg.Start() },
		func() { maria.Kill(); maria.Start() },
		func() { mongoServer.Stop(); mongoServer.Start() },
		func() { search.Kill(); search.Start() },
		func() { g.Kill(); g.Up() },
	}
	hits := 0
	for i, crash := range crashes {
		before := written(t, c, topic, kinds...)
		fed := len(load) * (i + 1) / len(crashes)
		kafkatest.Produce(t, c, load[len(load)*i/len(crashes):fed]...)
		require.Eventually(t, func() bool { return written(t, c, topic, kinds...) > before }, time.Minute, 10*time.Millisecond, "nothing is written before crash %d", i)
		if written(t, c, topic, kinds...) < int64(fed*len(kinds)) {
			hits++
		}
		crash()
	}
	require.Greater(t, hits, len(crashes)/2, "most crashes met work")
	for _, kind := range kinds {
		require.Eventually(t, func() bool { return written(t, c, topic, kind) == databaseRecords }, 2*time.Minute, 200*time.Millisecond, "%s does not finish", kind)
	}
	require.Equal(t, want, rowsOf(t, pg.DB(), "SELECT id, n FROM things"), "PostgreSQL")
	require.Equal(t, want, rowsOf(t, maria.DB(), "SELECT id, n FROM things"), "MariaDB")
	rows := databaseRecords - bad - len(negative)
	for _, r := range load {
		if r.Value == nil {
			rows--
		}
	}
	require.Equal(t, []int{rows, rows}, counts(t, pg.DB()), "each record that is no tombstone and was not refused has its row, once")
	require.Equal(t, want, searchThings(t, search), "OpenSearch")
	for _, kind := range kinds {
		refused := bad + len(negative)
		if kind == "mongodb" {
			refused = bad
		}
		require.Equal(t, refused, letters(t, c, topic+"-"+kind), "dead letters of %s", kind)
	}
	maps.Copy(want, negative)
	require.Equal(t, want, mongoThings(t, mongoServer.Address), "MongoDB, which refuses nothing by itself")
	require.Positive(t, between.faults.Load(), "there were faults")
}

var kinds = []string{"postgresql", "once", "mysql", "mongodb", "opensearch"}

// written is how many records are committed by the mappings of some kinds.
func written(t *testing.T, c *kafkatest.Cluster, topic string, of ...string) (n int64) {
	for _, kind := range of {
		n += sum(c.Committed(t, topic+"-"+kind, topic))
	}
	return n
}

// letters counts the different records in a topic of dead letters; one may be there twice
// where gantry was killed between writing it and committing.
func letters(t *testing.T, c *kafkatest.Cluster, topic string) int {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	end, _ := ends.Lookup(topic, 0)
	cl := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	keys := map[string]bool{}
	for read := int64(0); read < end.Offset && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { read, keys[string(r.Key)] = r.Offset+1, true })
	}
	return len(keys)
}

// things gives the records, the n of each id in the end, those below 0, which most servers
// refuse, and how many records gantry itself refuses. Those refused have keys of their own.
func things(topic string) (records []*kgo.Record, want, negative map[int]int, bad int) {
	want, negative = map[int]int{}, map[int]int{}
	for i := range databaseRecords {
		id := i * 7919 % databaseKeys
		r := &kgo.Record{Topic: topic, Partition: int32(id % 4), Key: fmt.Appendf(nil, `{"id":%d}`, id)} //nolint:gosec // small
		switch {
		case i%3001 == 3000: // refused everywhere: it is no JSON
			r.Key, r.Value = fmt.Appendf(nil, `{"id":%d}`, databaseKeys+i), []byte("broken")
			bad++
		case i%1501 == 1500:
			r.Key, r.Value = fmt.Appendf(nil, `{"id":%d}`, databaseKeys+i), fmt.Appendf(nil, `{"n":%d,"name":"none"}`, -i)
			negative[databaseKeys+i] = -i
		case i%13 == 12:
			delete(want, id) // a tombstone
		case i%11 == 10:
			r.Value = fmt.Appendf(nil, `{"op":"c","before":null,"after":{"id":%d,"n":%d,"name":"d"}}`, id, i)
			want[id] = i
		default:
			r.Value = fmt.Appendf(nil, `{"n":%d,"name":"name %d"}`, i, id)
			want[id] = i
		}
		records = append(records, r)
	}
	return records, want, negative, bad
}

func databasesConfig(c *kafkatest.Cluster, topic string, pg, maria *databasetest.Server, mongo, search string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
functions:
  postgresql: {integration: postgresql, timeout: 30s, settings: {host: %q, database: postgres, user: postgres, tls: disable, table: things}}
  once: {integration: postgresql, timeout: 30s, settings: {host: %[1]q, database: postgres, user: postgres, tls: disable, table: seen, mode: insert, keyColumns: id, guard: once, deletes: "false"}}
  mysql: {integration: mysql, timeout: 30s, settings: {host: %[2]q, database: test, user: root, tls: disable, table: things}}
  mongodb: {integration: mongodb, timeout: 30s, settings: {uri: "mongodb://%[3]s", database: test, collection: things, timeout: 5s}}
  opensearch: {integration: opensearch, timeout: 30s, settings: {url: %[4]q, index: things}}
mappings:
`, pg.Address(), maria.Address(), mongo, search)
	for _, kind := range kinds {
		fmt.Fprintf(&b, "  %s: {function: %[1]s, brokers: [%q], topic: %s, consumerGroupId: %[3]s-%[1]s, startingPosition: TRIM_HORIZON, batchSize: 300, maximumRetryAttempts: 1, onFailure: \"kafka://%[3]s-%[1]s\"}\n",
			kind, c.Brokers()[0], topic)
	}
	return b.String()
}

func rowsOf(t *testing.T, db *sql.DB, query string) map[int]int {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer found.Close()
	rows := map[int]int{}
	for found.Next() {
		var id, n int
		require.NoError(t, found.Scan(&id, &n))
		rows[id] = n
	}
	require.NoError(t, found.Err())
	return rows
}

func counts(t *testing.T, db *sql.DB) []int {
	t.Helper()
	var rows, different int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT n) FROM seen").Scan(&rows, &different))
	return []int{rows, different}
}

func mongoThings(t *testing.T, address string) map[int]int {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address))
	require.NoError(t, err)
	defer client.Disconnect(t.Context())
	found, err := client.Database("test").Collection("things").Find(t.Context(), bson.D{})
	require.NoError(t, err)
	things := map[int]int{}
	for found.Next(t.Context()) {
		var d struct {
			ID int `bson:"_id"`
			N  int `bson:"n"`
		}
		require.NoError(t, found.Decode(&d))
		things[d.ID] = d.N
	}
	require.NoError(t, found.Err())
	return things
}

func searchThings(t *testing.T, s *databasetest.Search) map[int]int {
	t.Helper()
	things := map[int]int{}
	for id, d := range s.Docs("things") {
		var key, n int
		_, err := fmt.Sscan(id, &key)
		require.NoError(t, err)
		_, rest, ok := strings.Cut(d.Source, `"n":`)
		require.True(t, ok, d.Source)
		_, err = fmt.Sscanf(rest, "%d", &n)
		require.NoError(t, err)
		things[key] = n
	}
	return things
}
