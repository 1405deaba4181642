package letters_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// Dead letters of three causes: found by error, key and time; half of them redriven, those of
// one cause to the function, chosen ones of another to their topic; those of the third fail
// again; they are repaired, and the rest is redriven. In the end each order was taken once
// and every letter is redriven.
func TestEveryRecordEndsInOnePlace(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		c := kafkatest.Shared
		if version != kafkatest.Latest {
			c = func(t testing.TB) *kafkatest.Cluster { return kafkatest.Start(t, kafkatest.Options{Version: version}) }
		}
		everyRecord(t, c(t))
	})
}

func everyRecord(t *testing.T, c *kafkatest.Cluster) {
	n := kafkatest.Size(300, 10_000)
	n -= n % (2 * len(causes))
	each := n / len(causes)
	topic := kafkatest.Topic(t)
	dead := topic + ".dead"
	c.CreateTopic(t, topic, 4, nil)
	c.CreateTopic(t, dead, 4, nil)
	orders(t, c, topic, 4, n)
	s := newShop(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: configOf(c, s, topic, "batchSize: 1, onFailure: \"kafka://"+dead+"\"")})
	lettersOf(t, c, dead, n)

	list := ask[listed](t, g, "list", "orders", "--limit", "5")
	require.EqualValues(t, n, list.Summary.Matched)
	require.Len(t, list.Letters, 5)
	require.Len(t, list.Summary.Groups, len(causes), "errors that differ in numbers alone are one group: %v", list.Summary.Groups)
	for _, group := range list.Summary.Groups {
		require.EqualValues(t, each, group.Letters)
	}
	searches(t, g, n, each)
	require.Contains(t, g.MustCLI("status"), fmt.Sprintf("%d records became dead letters", n))

	// One cause whole to the function, previewed first.
	s.repair("card")
	g.MustCLI("deadletters", "redrive", "orders", "--to", "function", "--dry-run", "--yes", "--reason", "no")
	plan := ask[totals](t, g, "redrive", "orders", "--to", "function", "--error", "card")
	require.EqualValues(t, each, plan.Totals.Redriven)
	taken, _ := s.counts()
	require.Zero(t, taken, "a preview invoked the function")
	done := redrive(t, g, "orders", "--to", "function", "--error", "card", "--token", plan.Token)
	require.EqualValues(t, each, done.Totals.Redriven)
	require.Equal(t, "1", s.headersOf(0)["gantry-redrive-count"])
	require.Regexp(t, "^"+dead+"-", s.headersOf(0)["gantry-redrive-of"])
	require.Equal(t, "t0|", s.headersOf(0)["trace"], "both headers of a name, the second of which is null")
	_, code := g.CLI("deadletters", "redrive", "orders", "--to", "function", "--error", "card", "--token", plan.Token, "--yes", "--reason", "again")
	require.Equal(t, 1, code, "a token is good once")

	// Of another cause half of the letters, chosen from an export, through the topic, where the
	// mapping reads them again: that is half of all.
	s.repair("bank")
	require.EqualValues(t, each/2, redrive(t, g, "orders", "--to", "topic", "--ids", chosen(t, g, "bank", each/2)).Totals.Redriven)
	require.Eventually(t, func() bool { taken, _ := s.counts(); return taken == n/2 }, time.Minute, 50*time.Millisecond)
	for _, state := range []string{"redriven", "pending"} {
		require.EqualValues(t, n/2, ask[listed](t, g, "list", "orders", "--state", state, "--limit", "0").Summary.Matched, state)
	}

	// Those of an unrepaired cause fail again and stay; the others of the same batches do not.
	failed := redrive(t, g, "orders", "--to", "function", "--error", "/order \\d+ is unknown/")
	require.EqualValues(t, each, failed.Totals.Failed)
	require.EqualValues(t, each, ask[listed](t, g, "list", "orders", "--state", "failed", "--limit", "0").Summary.Matched)

	// The rest.
	s.repair("unknown")
	rest := redrive(t, g, "orders", "--to", "topic", "--error", "bank").Totals
	require.EqualValues(t, []int64{int64(each) - int64(each/2), int64(each / 2)}, []int64{rest.Redriven, rest.Before})
	require.EqualValues(t, each, redrive(t, g, "orders", "--to", "function").Totals.Redriven)
	require.Eventually(t, func() bool { taken, _ := s.counts(); return taken == n }, time.Minute, 50*time.Millisecond)
	again := redrive(t, g, "orders", "--to", "topic")
	require.Zero(t, again.Totals.Redriven)
	require.EqualValues(t, n, again.Totals.Before)

	taken, twice := s.counts()
	require.Equal(t, n, taken)
	require.Empty(t, twice, "taken more than once")
	require.EqualValues(t, n, size(t, c, dead), "a record became a letter again")
	require.EqualValues(t, n, ask[listed](t, g, "list", "orders", "--state", "redriven", "--limit", "0").Summary.Matched)
	for id, count := range values(t, c, topic) {
		want := 1
		if causes[id%len(causes)] == "bank" {
			want = 2
		}
		require.Equal(t, want, count, "order %d on its topic", id)
	}
	audit, err := os.ReadFile(filepath.Join(g.DataDir, "audit.log"))
	require.NoError(t, err)
	require.Contains(t, string(audit), "redrive dead letters: repaired")
}

// chosen is a file with the first n letters of an export.
func chosen(t *testing.T, g *gantrytest.Gantry, cause string, n int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chosen.jsonl")
	g.MustCLI("deadletters", "export", "orders", file, "--error", cause)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:n], "")), 0o600))
	return file
}

func searches(t *testing.T, g *gantrytest.Gantry, n, each int) {
	t.Helper()
	byKey := ask[listed](t, g, "search", "orders", "--key", "k7")
	require.Len(t, byKey.Letters, 1)
	require.Contains(t, byKey.Letters[0].Error, "order 7")
	require.EqualValues(t, each, ask[listed](t, g, "search", "orders", "--error", "/^CardError: .* expired$/", "--limit", "100000").Summary.Matched)
	require.Zero(t, ask[listed](t, g, "search", "orders", "--until", "10m").Summary.Matched)
	require.EqualValues(t, n, ask[listed](t, g, "list", "orders", "--since", "10m", "--limit", "0").Summary.Matched)
	seen, after := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		page := ask[listed](t, g, "search", "orders", "--limit", fmt.Sprint(n/3+1), "--after", after)
		for _, l := range page.Letters {
			require.False(t, seen[l.ID], "%s is on two pages", l.ID)
			seen[l.ID] = true
		}
		if !page.Summary.More {
			require.Equal(t, 2, pages)
			break
		}
		after = page.Summary.Next
	}
	require.Len(t, seen, n)

	shown := ask[letter](t, g, "show", "orders", byKey.Letters[0].ID)
	require.Equal(t, `{"id":7,"cause":"bank"}`, string(shown.Records[0].Value))
	require.Equal(t, "k7", string(shown.Records[0].Key))
	require.Len(t, shown.Records[0].Headers, 2)
	require.Nil(t, shown.Records[0].Headers[1].Value)
	file := filepath.Join(t.TempDir(), "dead.jsonl")
	g.MustCLI("deadletters", "export", "orders", file, "--error", "bank")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, each)
	var l letter
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &l))
	require.NotEmpty(t, l.Records[0].Value)
}

// kill -9 in the middle of redrives to a topic: what is committed there holds each record
// once, and the ledger agrees.
func TestKilledWhileRedriving(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	n := kafkatest.Size(300, 10_000)
	dead, target := topic+".dead", topic+".again"
	c.CreateTopic(t, topic, 2, nil)
	c.CreateTopic(t, dead, 2, nil)
	c.CreateTopic(t, target, 2, nil)
	orders(t, c, topic, 2, n)
	s := newShop(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: configOf(c, s, topic, "batchSize: 1, onFailure: \"kafka://"+dead+"\"")})
	lettersOf(t, c, dead, n)
	g.MustCLI("wait", "orders", "--settled") // a letter whose offset is not committed comes again after a kill
	kills := kafkatest.Size(3, 20)
	for i := range kills {
		over := make(chan struct{})
		go func() {
			defer close(over)
			g.CLI("deadletters", "redrive", "orders", "--to", "kafka://"+target, "--rate", fmt.Sprintf("%d/s", n/2), "--reason", "kill", "--yes")
		}()
		want := min(int64(n*(i+1)/(kills+2)), int64(n)-1)
		require.Eventually(t, func() bool { return size(t, c, target) > want }, time.Minute, 7*time.Millisecond)
		g.Kill()
		<-over
		g.Up()
		awaitMapping(t, g)
	}
	before := len(values(t, c, target))
	require.Less(t, before, n, "everything was redriven before the last kill")
	done := redrive(t, g, "orders", "--to", "kafka://"+target)
	require.EqualValues(t, n, done.Totals.Redriven+done.Totals.Before)
	require.Positive(t, done.Totals.Before)
	got := values(t, c, target)
	require.Len(t, got, n)
	for id, count := range got {
		require.Equal(t, 1, count, "order %d", id)
	}
}

func awaitMapping(t *testing.T, g *gantrytest.Gantry) {
	t.Helper()
	require.Eventually(t, func() bool { _, code := g.CLI("describe", "mapping", "orders"); return code == 0 }, 30*time.Second, 50*time.Millisecond)
}

// A record that always fails goes round three times and is held then; its letters tell how
// often, and from where.
func TestALoopEnds(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	dead := topic + ".dead"
	c.CreateTopic(t, topic, 1, nil)
	c.CreateTopic(t, dead, 1, nil)
	orders(t, c, topic, 1, 1)
	s := newShop(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: configOf(c, s, topic, "onFailure: \"kafka://"+dead+"\"")})
	for i := range 3 {
		lettersOf(t, c, dead, i+1)
		require.EqualValues(t, 1, redrive(t, g, "orders", "--to", "topic").Totals.Redriven)
	}
	lettersOf(t, c, dead, 4)
	held := redrive(t, g, "orders", "--to", "topic")
	require.Zero(t, held.Totals.Redriven)
	require.EqualValues(t, 1, held.Totals.Held)
	last := ask[letter](t, g, "show", "orders", dead+"-0-3")
	require.Equal(t, 3, last.State.Count)
	var from []string
	for _, h := range last.Records[0].Headers {
		if h.Key == "gantry-redrive-of" {
			from = append(from, string(h.Value))
		}
	}
	require.Equal(t, []string{dead + "-0-0", dead + "-0-1", dead + "-0-2"}, from)

	// The same letter to the function: it fails, stays, and the ledger counts.
	require.EqualValues(t, 1, redrive(t, g, "orders", "--to", "function", "--most", "4").Totals.Failed)
	require.EqualValues(t, 1, redrive(t, g, "orders", "--to", "function", "--most", "4").Totals.Held)
	s.repair(causes...)
	require.EqualValues(t, 1, redrive(t, g, "orders", "--to", "function", "--force").Totals.Redriven)
	require.Equal(t, "5", s.headersOf(0)["gantry-redrive-count"])
	require.Zero(t, ask[listed](t, g, "list", "orders", "--state", "pending").Summary.Matched)
}

// A file gets each letter once, also where it was written before and not noted.
func TestRedriveToAFile(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	dead := topic + ".dead"
	c.CreateTopic(t, topic, 1, nil)
	c.CreateTopic(t, dead, 1, nil)
	orders(t, c, topic, 1, 9)
	s := newShop(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: configOf(c, s, topic, "onFailure: \"kafka://"+dead+"\"")})
	lettersOf(t, c, dead, 9)
	file := filepath.Join(t.TempDir(), "handed-over.jsonl")
	text, err := json.Marshal(map[string]string{"id": dead + "-0-0"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
	began := time.Now()
	require.EqualValues(t, 9, redrive(t, g, "orders", "--to", "file:"+file, "--rate", "4/s").Totals.Redriven)
	require.GreaterOrEqual(t, time.Since(began), 2*time.Second, "at most 4 a second: the ninth comes after two")
	require.EqualValues(t, 9, redrive(t, g, "orders", "--to", "file:"+file).Totals.Before)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 9, strings.Count(string(written), "\n"))
	require.EqualValues(t, 9, size(t, c, topic), "something was written to the topic")
}
