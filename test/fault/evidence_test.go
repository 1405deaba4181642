package fault_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/record"
)

// repeat is a record that was delivered again after it had been delivered.
type repeat struct {
	record.Position
	first, again time.Time
	process      string // that had it first
}

// String says which and when.
func (r repeat) String() string {
	return fmt.Sprintf("%s at %s and %s", r.Position, r.first.Format(clock), r.again.Format(clock))
}

const clock = "15:04:05.000"

// repeats lists them, each with the delivery before it.
func repeats(j gantrytest.Journal) []repeat {
	type delivery struct {
		at      time.Time
		process string
	}
	last := map[record.Position]delivery{}
	var out []repeat
	for _, d := range j.Deliveries {
		id := partitionOf(d.Partition)
		at := time.Unix(0, d.At)
		for _, o := range d.Offsets {
			pos := record.Position{Topic: id.Topic, Partition: id.Index, Offset: o}
			if before, seen := last[pos]; seen {
				out = append(out, repeat{pos, before.at, at, before.process})
			}
			last[pos] = delivery{at, d.Process}
		}
	}
	return out
}

// partitionOf reads topic-n.
func partitionOf(key string) record.Partition {
	at := strings.LastIndexByte(key, '-')
	n, _ := strconv.ParseInt(key[at+1:], 10, 32)
	return record.Partition{Topic: key[:at], Index: int32(n)}
}

// disturbance is one kill: when, and what the groups had committed by then. What had been
// delivered before it and was not committed may be delivered once more after it.
type disturbance struct {
	at        time.Time
	committed []map[int32]int64 // for each function
}

// killed reads the commits that a kill at that moment left behind.
func (w *world) killed(at time.Time) disturbance {
	d := disturbance{at: at}
	for i := range w.journals {
		d.committed = append(d.committed, w.cluster.Committed(w.t, w.group(i), w.topic))
	}
	return d
}

// explain demands a disturbance for each repetition: between the two deliveries, with
// the record not committed when it happened. That is the exact bound: what was in
// flight or uncommitted at each kill, once for each kill.
func (w *world) explain(repeated [][]repeat, disturbances []disturbance) {
	for i, list := range repeated {
		for _, r := range list {
			require.True(w.t, explained(r, i, disturbances), "function %d: repeated without need: %s", i, r)
		}
	}
}

func explained(r repeat, function int, disturbances []disturbance) bool {
	for _, d := range disturbances {
		between := !r.first.After(d.at) && !r.again.Before(d.at)
		if between && d.committed[function][r.Partition] <= r.Offset {
			return true
		}
	}
	return false
}

// neverPast holds every commit the brokers' log has against the journal: when it was made,
// every record before it had been delivered to an invocation that succeeded. And no commit
// goes back.
func neverPast(t *testing.T, j gantrytest.Journal, history []kafkatest.Commit) {
	t.Helper()
	require.NotEmpty(t, history, "nothing was committed")
	first := map[record.Position]time.Time{}
	for _, d := range j.Deliveries {
		id, at := partitionOf(d.Partition), time.Unix(0, d.At)
		for _, o := range d.Offsets {
			pos := record.Position{Topic: id.Topic, Partition: id.Index, Offset: o}
			if before, seen := first[pos]; !seen || at.Before(before) {
				first[pos] = at
			}
		}
	}
	reached := map[record.Partition]int64{} // all before it is known to be in time
	for _, c := range history {
		require.GreaterOrEqual(t, c.Offset, reached[c.Partition], "a commit of %s went back", c.Partition)
		for o := reached[c.Partition]; o < c.Offset; o++ {
			pos := record.Position{Topic: c.Topic, Partition: c.Index, Offset: o}
			at, ok := first[pos]
			// the log has milliseconds: a commit is somewhere within its own
			require.True(t, ok && at.Before(c.At.Add(time.Millisecond)), "%s was committed up to %d at %s, before %s succeeded", c.Partition, c.Offset, c.At.Format(clock), pos)
		}
		reached[c.Partition] = c.Offset
	}
}

// guard holds the group of a function that fails certain records, from before it begins,
// and fails the test if anything is ever committed past the first of them: at its end, by
// the brokers' log, which has every commit.
type guard struct {
	w     *world
	limit map[record.Partition]int64
	over  atomic.Pointer[time.Time] // from then on there is no limit; nil = never
}

func (w *world) guard() *guard {
	g := &guard{w: w, limit: map[record.Partition]int64{}}
	for name := range strings.SplitSeq(strings.ReplaceAll(w.fail, "*", w.topic), ",") {
		key, offset, ok := strings.Cut(name, "@")
		if !ok {
			continue
		}
		o, err := strconv.ParseInt(offset, 10, 64)
		require.NoError(w.t, err)
		id := partitionOf(key)
		if before, ok := g.limit[id]; !ok || o < before {
			g.limit[id] = o
		}
	}
	w.t.Cleanup(g.verdict)
	return g
}

func (g *guard) verdict() {
	for _, c := range g.w.cluster.Commits(g.w.t, g.w.group(0)) {
		limit, limited := g.limit[c.Partition]
		over := g.over.Load()
		if limited && c.Offset > limit && (over == nil || c.At.Before(over.Truncate(time.Millisecond))) {
			g.w.t.Errorf("%s was committed up to %d at %s, past the failing record %d", c.Partition, c.Offset, c.At.Format(clock), limit)
		}
	}
}

// reached says that every partition stands exactly at its first failing record.
func (g *guard) reached() bool {
	committed := g.w.cluster.Committed(g.w.t, g.w.group(0), g.w.topic)
	for id, limit := range g.limit {
		if committed[id.Index] > limit {
			g.w.t.Fatalf("%s was committed up to %d past the failing record %d", id, committed[id.Index], limit)
		}
		if limit-committed[id.Index] > 20 { // the batch that has it stands whole
			return false
		}
	}
	return true
}

// heal lets the failing end: from now on there is no limit.
func (g *guard) heal() {
	g.lift()
	g.w.heal()
}

// lift takes the limit away.
func (g *guard) lift() {
	now := time.Now()
	g.over.Store(&now)
}
