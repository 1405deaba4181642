package integrations_test

import (
	"context"
	"database/sql"
	"fmt"
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

// Databases: one topic into PostgreSQL, MariaDB, a MongoDB-wire server and the fake of
// OpenSearch, with records that are refused, while gantry is killed twice and each server
// is restarted. Nothing is lost: each ends with the rows that the records come to, and the
// refused ones are in the dead letters.
func TestDatabases(t *testing.T) {
	kafkatest.Need(t, kafkatest.Latest)
	c := kafkatest.Shared(t)
	pg, maria, mongoServer, search := databasetest.PostgreSQL(t), databasetest.MariaDB(t), databasetest.StartMongo(t), databasetest.NewOpenSearch(t)
	pg.Exec("CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), name varchar(20))", "CREATE TABLE seen (id int, n int CHECK (n >= 0), name text)")
	maria.Exec("CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), name varchar(20))")
	search.Refuse(func(_ string, source map[string]any) string {
		if n, _ := source["n"].(float64); n < 0 {
			return "n is below 0"
		}
		return ""
	})
	search.Throttle(3, 50)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 4, nil)
	kinds := []string{"postgresql", "once", "mysql", "mongodb", "opensearch"}
	for _, kind := range kinds {
		c.CreateTopic(t, topic+"-"+kind, 1, nil)
	}
	want, bad := fillThings(t, c, topic)
	g := gantrytest.Start(t, gantrytest.Options{Config: databasesConfig(c, topic, pg, maria, mongoServer.Address, search.URL)})
	t.Cleanup(g.Kill)
	for _, crash := range []func(){
		func() { g.Kill(); g.Up() },
		func() { pg.Kill(); pg.Start() },
		func() { maria.Kill(); maria.Start() },
		func() { mongoServer.Stop(); mongoServer.Start() },
		func() { g.Kill(); g.Up() },
	} {
		crash()
	}
	admin := c.Admin(t)
	for _, kind := range kinds {
		require.Eventually(t, func() bool {
			offsets, err := admin.FetchOffsets(context.Background(), topic+"-"+kind)
			if err != nil {
				return false
			}
			var n int64
			for _, p := range offsets[topic] {
				n += max(p.At, 0)
			}
			return n >= databaseRecords
		}, time.Minute, 200*time.Millisecond, "%s does not finish", kind)
	}
	require.Equal(t, want, rowsOf(t, pg.DB(), "SELECT id, n FROM things"), "PostgreSQL")
	require.Equal(t, want, rowsOf(t, maria.DB(), "SELECT id, n FROM things"), "MariaDB")
	require.Equal(t, []int{databaseRecords - bad, databaseRecords - bad}, counts(t, pg.DB()), "each record that was not refused has its row, once")
	require.Equal(t, want, mongoThings(t, mongoServer.Address), "MongoDB, which refuses nothing by itself")
	require.Equal(t, want, searchThings(t, search), "the fake of OpenSearch")
	for _, kind := range kinds {
		require.Equal(t, bad, letters(t, c, topic+"-"+kind), "dead letters of %s", kind)
	}
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

// fillThings gives the n of each id in the end, and how many records are refused. Records
// that are refused have keys of their own.
func fillThings(t *testing.T, c *kafkatest.Cluster, topic string) (want map[int]int, bad int) {
	t.Helper()
	want = map[int]int{}
	records := make([]*kgo.Record, 0, databaseRecords)
	for i := range databaseRecords {
		id := i * 7919 % databaseKeys
		r := &kgo.Record{Topic: topic, Partition: int32(id % 4), Key: fmt.Appendf(nil, `{"id":%d}`, id)} //nolint:gosec // small
		switch {
		case i%3001 == 3000: // refused everywhere: it is no JSON
			r.Key, r.Value = fmt.Appendf(nil, `{"id":%d}`, databaseKeys+i), []byte("broken")
			bad++
		case i%11 == 10:
			delete(want, id)
			r.Value = fmt.Appendf(nil, `{"op":"c","before":null,"after":{"id":%d,"n":%d,"name":"d"}}`, id, i)
			want[id] = i
		default:
			r.Value = fmt.Appendf(nil, `{"n":%d,"name":"name %d"}`, i, id)
			want[id] = i
		}
		records = append(records, r)
	}
	kafkatest.Produce(t, c, records...)
	return want, bad
}

func databasesConfig(c *kafkatest.Cluster, topic string, pg, maria *databasetest.Server, mongo, search string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
functions:
  postgresql: {integration: postgresql, timeout: 30s, settings: {host: %q, database: postgres, user: postgres, tls: disable, table: things}}
  once: {integration: postgresql, timeout: 30s, settings: {host: %[1]q, database: postgres, user: postgres, tls: disable, table: seen, mode: insert, keyColumns: id, guard: once}}
  mysql: {integration: mysql, timeout: 30s, settings: {host: %[2]q, database: test, user: root, tls: disable, table: things}}
  mongodb: {integration: mongodb, timeout: 30s, settings: {uri: "mongodb://%[3]s", database: test, collection: things, timeout: 5s}}
  opensearch: {integration: opensearch, timeout: 30s, settings: {url: %[4]q, index: things}}
mappings:
`, pg.Address(), maria.Address(), mongo, search)
	for _, kind := range []string{"postgresql", "once", "mysql", "mongodb", "opensearch"} {
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

func searchThings(t *testing.T, s *databasetest.OpenSearch) map[int]int {
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
