package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/databasetest"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const (
	sinkRecords = 200_000
	sinkKeys    = 50_000
	sinkBatch   = 3000
	sinkTopic   = "sales"
	sinkLanes   = 4 // tasks of Connect, concurrency of the function
)

// sinkTable is what both write, each into a table of its own.
const sinkTable = `CREATE TABLE %s (id bigint PRIMARY KEY, customer varchar(80) NOT NULL, email text, total double precision,
	quantity int, paid boolean, at timestamp, note text, seq bigint NOT NULL)`

// PostgresSink: gantry's postgresql integration and Kafka Connect with Debezium's JDBC
// sink, one after the other, on the same topic of one Kafka into tables of one PostgreSQL.
// Rate and CPU are taken from the first row until the table holds what it has to, so that
// nobody's start counts. gantry writes three times as much a second at least, with a fifth of
// the CPU at most.
func TestPostgresSink(t *testing.T) {
	c := cluster(t)
	db := databasetest.PostgreSQL(t, "-c", "shared_buffers=512MB", "-c", "max_wal_size=8GB", "-c", "autovacuum=off")
	connect := connectJars(t)
	c.CreateTopic(t, sinkTopic, partitions, nil)
	want := fillSales(t, c)

	rounds := 2
	var ours, theirs []sinkRun
	for round := range rounds {
		for _, who := range []string{"connect", "gantry"} {
			table := fmt.Sprintf("sales_%s_%d", who, round)
			db.Exec(fmt.Sprintf(sinkTable, table))
			var cmd *exec.Cmd
			if who == "gantry" {
				cmd = gantrySink(t, c, db, table)
			} else {
				cmd = connectSink(t, c, db, table, connect)
			}
			run := watchSink(t, cmd, db.DB(), table, want)
			t.Logf("round %d: %-8s %8.0f upserts/s, %.2f CPU s (%.2f with its start), peak RSS %d MB", round, who, run.Rate, run.CPU.Seconds(), run.whole.Seconds(), run.RSS>>20)
			if who == "gantry" {
				ours = append(ours, run)
			} else {
				theirs = append(theirs, run)
			}
		}
		sameTables(t, db.DB(), fmt.Sprintf("sales_connect_%d", round), fmt.Sprintf("sales_gantry_%d", round))
	}
	lines := []string{
		"| round | Connect upserts/s | gantry upserts/s | ratio | Connect CPU s | gantry CPU s | ratio | peak RSS MB |",
		"| --- | --- | --- | --- | --- | --- | --- | --- |",
	}
	for i := range ours {
		o, c := ours[i], theirs[i]
		lines = append(lines, fmt.Sprintf("| %d | %.0f | %.0f | **%.1f** | %.1f | %.1f | **1/%.1f** | %d / %d |", i+1, c.Rate, o.Rate, o.Rate/c.Rate,
			c.CPU.Seconds(), o.CPU.Seconds(), c.CPU.Seconds()/o.CPU.Seconds(), c.RSS>>20, o.RSS>>20))
	}
	report(t, fmt.Sprintf("PostgreSQL sink beside Kafka Connect's (Debezium JDBC 3.4.0): %d upserts of %d keys, same contents", sinkRecords, sinkKeys), lines)
	for i := range ours {
		require.GreaterOrEqual(t, ours[i].Rate, 3*theirs[i].Rate)
		require.LessOrEqual(t, 5*ours[i].CPU, theirs[i].CPU)
	}
}

type sinkRun struct {
	usage
	whole time.Duration // CPU, the program's start included
}

// salesSchema is the schema that Kafka Connect's JSON converter carries in each record.
const salesSchema = `{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":false,"field":"customer"},` +
	`{"type":"string","optional":true,"field":"email"},{"type":"double","optional":true,"field":"total"},{"type":"int32","optional":true,"field":"quantity"},` +
	`{"type":"boolean","optional":true,"field":"paid"},{"type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"at"},` +
	`{"type":"string","optional":true,"field":"note"},{"type":"int64","optional":false,"field":"seq"}],"optional":false,"name":"sale"}`

const salesKey = `{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"optional":false,"name":"key"}`

// fillSales gives the sum of seq over the rows as they are in the end.
func fillSales(t *testing.T, c *kafkatest.Cluster) (want int64) {
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(256<<10), kgo.MaxBufferedRecords(20_000))
	last := make([]int64, sinkKeys)
	note := strings.Repeat("as agreed by telephone; ", 5)
	for i := range int64(sinkRecords) {
		id := i * 7919 % sinkKeys
		last[id] = i
		value := fmt.Sprintf(`{"schema":%s,"payload":{"id":%d,"customer":"customer %d","email":"c%d@example.com","total":%d.25,"quantity":%d,"paid":%t,"at":%d,"note":"%s","seq":%d}}`,
			salesSchema, id, id, id, i%1000, i%9, i%2 == 0, 1_767_323_045_000+i, note, i)
		cl.Produce(context.Background(), &kgo.Record{Topic: sinkTopic, Partition: int32(id % partitions), //nolint:gosec // small
			Key: fmt.Appendf(nil, `{"schema":%s,"payload":{"id":%d}}`, salesKey, id), Value: []byte(value)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	require.NoError(t, cl.Flush(context.Background()))
	for _, seq := range last {
		want += seq
	}
	return want
}

func gantrySink(t *testing.T, c *kafkatest.Cluster, db *databasetest.Server, table string) *exec.Cmd {
	dir := t.TempDir()
	config := fmt.Sprintf(`
functions:
  rows:
    integration: postgresql
    settings: {host: %q, database: postgres, user: postgres, tls: disable, table: %s}
    timeout: 60s
mappings:
  sales: {function: rows, brokers: [%q], topic: %s, batchSize: %d, startingPosition: TRIM_HORIZON, consumerGroupId: gantry-%s, maximumBatchingWindow: 0s}
`, db.Address(), table, c.Brokers()[0], sinkTopic, sinkBatch, table)
	path := filepath.Join(dir, "gantry.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	return exec.Command(gantrytest.Binary(t), "serve", "-c", path, "--data-dir", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--log-level", "warn")
}

func connectJars(t *testing.T) (jars [2]string) {
	jars[0] = databasetest.Jars(t, "connect", "org.apache.kafka:connect-runtime:4.3.1", "org.apache.kafka:connect-json:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
	jars[1] = databasetest.Jars(t, "debezium-jdbc", "io.debezium:debezium-connector-jdbc:3.4.0.Final")
	return jars
}

// connectSink is Kafka Connect, standalone, with the settings its documents advise for
// throughput: large polls, batches as large as ours, rewritten statements, and the buffer
// that keeps the last change of a row.
func connectSink(t *testing.T, c *kafkatest.Cluster, db *databasetest.Server, table string, jars [2]string) *exec.Cmd {
	dir := t.TempDir()
	plugins := filepath.Join(dir, "plugins")
	require.NoError(t, os.MkdirAll(filepath.Join(plugins, "jdbc"), 0o755))
	own, err := filepath.Glob(filepath.Join(jars[1], "*.jar"))
	require.NoError(t, err)
	for _, jar := range own {
		if name := filepath.Base(jar); strings.HasPrefix(name, "jackson-") && !strings.Contains(name, "jsr310") { // the worker's: two of them in one process do not agree
			continue
		}
		require.NoError(t, os.Symlink(jar, filepath.Join(plugins, "jdbc", filepath.Base(jar))))
	}
	worker := fmt.Sprintf(`bootstrap.servers=%s
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.storage.file.filename=%s
offset.flush.interval.ms=5000
listeners=http://127.0.0.1:%d
plugin.path=%s
consumer.max.poll.records=%d
consumer.max.partition.fetch.bytes=8388608
consumer.fetch.max.bytes=52428800
`, c.Brokers()[0], filepath.Join(dir, "offsets"), gantrytest.FreePort(t), plugins, sinkBatch)
	connector := fmt.Sprintf(`name=%s
connector.class=io.debezium.connector.jdbc.JdbcSinkConnector
tasks.max=%d
topics=%s
connection.url=jdbc:postgresql://%s/postgres?reWriteBatchedInserts=true
connection.username=postgres
connection.password=none
insert.mode=upsert
primary.key.mode=record_key
delete.enabled=true
schema.evolution=none
use.reduction.buffer=true
batch.size=%d
collection.name.format=%s
`, table, sinkLanes, sinkTopic, db.Address(), sinkBatch, table)
	for name, text := range map[string]string{"worker.properties": worker, "connector.properties": connector} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return databasetest.Java(t, "-Xms512m", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars[0]+"/*",
		"org.apache.kafka.connect.cli.ConnectStandalone", filepath.Join(dir, "worker.properties"), filepath.Join(dir, "connector.properties"))
}

// watchSink runs a program until the table holds what it has to.
func watchSink(t *testing.T, cmd *exec.Cmd, db *sql.DB, table string, want int64) sinkRun {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	one := func(query string) (n int64) {
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}
	until := func(what string, every time.Duration, done func() bool) {
		if !assertEventually(done, 4*time.Minute, every) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s: %s\n%s", table, what, text[max(0, len(text)-4000):])
		}
	}
	until("nothing is written", 20*time.Millisecond, func() bool { return one("SELECT count(*) FROM (SELECT 1 FROM "+table+" LIMIT 1) x") > 0 })
	began, before := time.Now(), cpuOf(t, cmd.Process.Pid)
	until("not all is written", 250*time.Millisecond, func() bool { return one("SELECT coalesce(sum(seq), 0)::bigint FROM "+table) == want })
	took, after := time.Since(began), cpuOf(t, cmd.Process.Pid)
	rss := peakOf(t, cmd.Process.Pid)
	return sinkRun{usage{Rate: sinkRecords / took.Seconds(), CPU: after - before, RSS: rss}, after}
}

func assertEventually(done func() bool, within, every time.Duration) bool {
	end := time.After(within)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
	return true
}

// cpuOf is what a running process has taken, in ticks of 10 ms (proc_pid_stat(5)).
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	require.NoError(t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func sameTables(t *testing.T, db *sql.DB, a, b string) {
	t.Helper()
	sum := func(table string) (n int, hash string) {
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM "+table+" t").Scan(&n, &hash))
		return n, hash
	}
	n, of := sum(a)
	m, other := sum(b)
	require.Equal(t, sinkKeys, n)
	require.Equal(t, n, m)
	require.Equal(t, of, other, "the tables differ")
}
