package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// poisoned serves a function behind HTTP that fails every batch with a value that says
// poison, and gives any other an answer.
func poisoned(t *testing.T, answer string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e events.KafkaEvent
		_ = json.NewDecoder(r.Body).Decode(&e)
		for _, records := range e.Records {
			for _, record := range records {
				if value, err := base64.StdEncoding.DecodeString(record.Value); err == nil && strings.Contains(string(value), "poison") {
					http.Error(w, `{"errorType":"ValidationError","errorMessage":"total is no number"}`, http.StatusInternalServerError)
					return
				}
			}
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// stands is what `gantry status -o json` says of a partition that does not get on.
type stands struct {
	Mapping   string
	Topic     string
	Partition int32
	Offset    int64
	Attempts  int
	Problem   string
	Error     string
	Lag       int64
	Left      *float64 `json:"leftSeconds"`
	Commands  []string
}

func standing(t *testing.T, g *gantrytest.Gantry) []stands {
	t.Helper()
	var s struct{ Standing []stands }
	require.NoError(t, json.Unmarshal([]byte(g.MustCLI("status", "-o", "json")), &s))
	return s.Standing
}

// typed carries out a command line as gantry printed it.
func typed(t *testing.T, g *gantrytest.Gantry, line string) string {
	t.Helper()
	var words []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		words = append(words, m[1]+m[2])
	}
	require.Equal(t, "gantry", words[0], line)
	return g.MustCLI(words[1:]...)
}

// The night of whoever is on call: a poison record blocks a partition, the metric that the
// alert watches says so, status names it, the record is looked at, skipped to the
// dead-letter topic by the line that was printed, the partition runs on, and the audit log
// says who and why.
func TestOnCall(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	dead := topic + ".dead"
	c.CreateTopic(t, topic, 2, map[string]string{"retention.ms": "3600000"})
	c.CreateTopic(t, dead, 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, `{"total":1}`, `{"total":2}`)
	kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Partition: 1, Value: []byte(`{"total":3}`)},
		&kgo.Record{Topic: topic, Partition: 1, Key: []byte("customer-7"), Value: []byte(`{"total":"poison"}`), Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("abc")}}},
		&kgo.Record{Topic: topic, Partition: 1, Value: []byte(`{"total":4}`)})
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(`clusters: {main: {brokers: [%q]}}
functions: {validate: {http: %q}}
mappings:
  orders: {function: validate, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 1, maximumBatchingWindow: 0s,
    maximumRetryAttempts: 10000, onFailure: "kafka://%s"}
`, c.Brokers()[0], poisoned(t, ""), topic, dead)})
	group := "gantry.orders"

	var s stands
	require.Eventually(t, func() bool {
		list := standing(t, g)
		if len(list) == 1 {
			s = list[0]
		}
		return len(list) == 1 && list[0].Attempts > 1
	}, 60*time.Second, 100*time.Millisecond, "the partition stands")
	require.Equal(t, []any{"orders", topic, int32(1), int64(1), "failing", int64(2)}, []any{s.Mapping, s.Topic, s.Partition, s.Offset, s.Problem, s.Lag})
	require.Contains(t, s.Error, "500 Internal Server Error")
	require.InDelta(t, 3600, *s.Left, 120, "until retention reaches it")
	alertSeesIt(t, g, "orders")
	screen := g.MustCLI("status")
	require.Less(t, strings.Index(screen, topic+"-1"), strings.Index(screen, "LAST RESULT"), "the worst is first:\n%s", screen)
	for _, command := range s.Commands {
		require.Contains(t, screen, command)
	}

	shown := typed(t, g, s.Commands[0])
	for _, want := range []string{`"total": "poison"`, "customer-7", "header trace:", "abc", fmt.Sprintf("%s-1 offset 1", topic)} {
		require.Contains(t, shown, want)
	}
	skip := s.Commands[len(s.Commands)-1]
	require.Contains(t, skip, "gantry skip orders --partition 1 --offset 1 --to dead-letter")
	preview := typed(t, g, strings.Replace(skip, `"…"`, `"INC-7: total is text"`, 1))
	require.Contains(t, preview, "nothing was changed")
	require.Equal(t, map[int32]int64{0: 2, 1: 1}, c.Committed(t, group, topic), "a preview changes nothing")
	require.Contains(t, typed(t, g, printed(preview)), "1 record of "+topic+"-1 skipped; it goes on at offset 2")

	require.Eventually(t, func() bool { return c.Committed(t, group, topic)[1] == 3 }, 30*time.Second, 50*time.Millisecond, "the partition runs on")
	require.Eventually(t, func() bool { return len(standing(t, g)) == 0 }, 30*time.Second, 50*time.Millisecond)
	letters := c.Client(t, kgo.ConsumeTopics(dead)).PollFetches(t.Context()).Records()
	require.Len(t, letters, 1)
	headers := map[string]string{}
	for _, h := range letters[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	require.Equal(t, []string{"1", "Skipped", "abc"}, []string{headers["gantry-offset"], headers["gantry-condition"], headers["trace"]})
	require.Contains(t, headers["gantry-skipped-by"], "INC-7: total is text")
	audit, err := os.ReadFile(filepath.Join(g.DataDir, "audit.log"))
	require.NoError(t, err)
	line := lineOf(string(audit), `"action":"skip"`)
	key := regexp.MustCompile(`aws_access_key_id\s*=\s*(\S+)`).FindStringSubmatch(readFile(t, filepath.Join(g.DataDir, "credentials")))[1]
	require.Contains(t, line, `"actor":"`+key+`"`)
	require.Contains(t, line, "skip to dead-letter: INC-7: total is text")
	out, code := g.CLI(strings.Fields("skip orders --partition 1 --offset 1 --to drop --reason again --yes")...)
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "does not stand")

	replay(t, c, g, topic)
	require.NoError(t, g.Stop())
}

// printed is the command line at the end of a preview.
func printed(preview string) string {
	return strings.TrimSpace(preview[strings.LastIndex(preview, "  gantry ")+2:])
}

func lineOf(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// alertSeesIt holds that the metric which the alert rule asks for shows the blocked lane.
func alertSeesIt(t *testing.T, g *gantrytest.Gantry, mapping string) {
	t.Helper()
	res, err := http.Get(g.URL + "/metrics")
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Regexp(t, `(?m)^gantry_blocked_lanes\{[^}]*name="`+mapping+`"[^}]*\} 1$`, string(text))
}

// replay sets the offsets back: refused while the mapping runs, then done as previewed.
func replay(t *testing.T, c *kafkatest.Cluster, g *gantrytest.Gantry, topic string) {
	t.Helper()
	out := g.MustCLI("offsets", "reset", "orders", "--to", "-1", "--partition", "0")
	require.Contains(t, out, "the mapping is not paused: gantry pause orders")
	require.Contains(t, out, "has a member: client gantry")
	out, code := g.CLI("offsets", "reset", "orders", "--to", "-1", "--partition", "0", "--reason", "hasty", "--yes")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "not paused")
	g.MustCLI("pause", "orders")
	require.Eventually(t, func() bool {
		out = g.MustCLI("offsets", "reset", "orders", "--to", "-1", "--partition", "0", "--reason", "INC-8")
		return strings.Contains(out, "to do it:")
	}, 30*time.Second, 100*time.Millisecond, "it has left the group")
	require.Contains(t, out, "at most 1 record come again, at most 0 records are not read")
	require.Contains(t, typed(t, g, printed(out)), "done; to go on: gantry resume orders")
	require.Equal(t, map[int32]int64{0: 1, 1: 3}, c.Committed(t, "gantry.orders", topic))
	g.MustCLI("resume", "orders")
	require.Eventually(t, func() bool { return c.Committed(t, "gantry.orders", topic)[0] == 2 }, 30*time.Second, 50*time.Millisecond, "it came again")
}

// What was backed up while gantry ran is there again in a new data directory, and nothing
// is overwritten.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	c, topic, dir := kafkatest.Shared(t), kafkatest.Topic(t), t.TempDir()
	c.CreateTopic(t, topic, 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, "a")
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(`clusters: {main: {brokers: [%q]}}
functions: {f: {http: %q}}
mappings: {orders: {function: f, cluster: main, topic: %s, startingPosition: TRIM_HORIZON}}
`, c.Brokers()[0], poisoned(t, ""), topic)})
	settles(t, c, "gantry.orders", topic)
	file := filepath.Join(dir, "gantry.tar.gz")
	require.Contains(t, g.MustCLI("backup", file), "bytes")
	out, code := g.CLI("backup", file)
	require.Equal(t, 1, code)
	require.Contains(t, out, "there is such a file already")
	require.NoError(t, g.Stop())

	restored := filepath.Join(dir, "restored")
	again := gantrytest.New(t, gantrytest.Options{DataDir: restored, Dir: dir})
	key := filepath.Join(g.DataDir, "store.key")
	require.NotContains(t, readFile(t, file), readFile(t, key))
	require.Contains(t, again.MustCLI("restore", file, "--store-key", key), "restored from a backup")
	out, code = again.CLI("restore", file)
	require.Equal(t, 1, code)
	require.Contains(t, out, "the data directory is not empty")
	again.Up()
	require.Contains(t, again.MustCLI("get", "mappings"), "orders")
	require.Contains(t, again.MustCLI("describe", "function", "f"), "http://", "it can be decrypted")
	require.NoError(t, again.Stop())
	require.Contains(t, again.MustCLI("backup", filepath.Join(dir, "offline.tar.gz"), "--offline"), "bytes")
}
