package kafkatest

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// accused runs fn with a test of its own and gives the errors its watch reports.
func accused(t *testing.T, fn func(t testing.TB)) []string {
	t.Helper()
	a := &accusation{TB: t}
	fn(a)
	for len(a.cleanups) > 0 {
		last := a.cleanups[len(a.cleanups)-1]
		a.cleanups = a.cleanups[:len(a.cleanups)-1]
		last()
	}
	return a.errors
}

type accusation struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (a *accusation) Helper()           {}
func (a *accusation) Cleanup(f func())  { a.cleanups = append(a.cleanups, f) }
func (a *accusation) Error(args ...any) { a.errors = append(a.errors, fmt.Sprint(args...)) }

func TestWatchCommitsAccusesACommitPastAnUnresolvedRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		ProduceValues(t, f, "orders", 0, "a", "b", "c")
		j := NewJournal()
		j.ExpectFirst("orders", 0, 3)
		cl := f.Client(t, member("orders")...)
		values(t, cl, 3)
		commit := func(upTo int64) {
			cl.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{"orders": {0: {Epoch: -1, Offset: upTo}}}, nil)
		}
		errs := accused(t, func(tb testing.TB) {
			w := f.WatchCommits(tb, Watch{Group: "g", Resolved: j.Resolved})
			f.WatchCommits(tb, Watch{Group: "another", Resolved: func(record.Partition) int64 { return -1 }})
			j.Report("a", Done, at(0)...)
			commit(1)
			f.FailCommits("g", 1, kerr.UnknownMemberID)
			commit(2) // refused, and still wrong to ask for
			j.Report("a", Done, at(1, 2)...)
			commit(3)
			var seen []int64
			for _, c := range w.History() {
				seen = append(seen, c.Offset)
			}
			require.Equal(t, []int64{1, 2, 3}, seen)
		})
		require.Equal(t, []string{`group "g" committed orders-0 up to 2 while offset 1 was not resolved`}, errs)
	})
}

func TestWatchOffsetsOnTheLocalCluster(t *testing.T) {
	t.Parallel()
	f := Local(t, kfake.SeedTopics(1, "orders"))
	watchedByPolling(t, f, "orders", func(upTo int64) { f.Commit(t, "g", "orders", map[int32]int64{0: upTo}) })
}

func TestWatchOffsetsAndCommitsOnRealKafka(t *testing.T) {
	c, topic := Shared(t), Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	watchedByPolling(t, c, topic, func(upTo int64) { c.Commit(t, "g", topic, map[int32]int64{0: upTo}) })
	for upTo := range int64(200) { // faster than anyone can poll
		c.Commit(t, "g-quick", topic, map[int32]int64{0: upTo})
	}
	c.Expire(t, "g-quick")
	all := c.Commits(t, "g-quick")
	require.Len(t, all, 201)
	for i, commit := range all[:200] {
		require.EqualValues(t, i, commit.Offset)
		require.WithinDuration(t, time.Now(), commit.At, time.Minute)
	}
	require.Equal(t, Forgotten, all[200].Offset)
}

// watchedByPolling commits in steps a watch must see, then one it must accuse.
func watchedByPolling(t *testing.T, k Source, topic string, commit func(upTo int64)) {
	p := record.Partition{Topic: topic, Index: 0}
	errs := accused(t, func(tb testing.TB) {
		w := WatchOffsets(tb, kadm.NewClient(k.Client(t)), Watch{Group: "g", Resolved: func(record.Partition) int64 { return 2 }})
		for _, upTo := range []int64{1, 2, 3} {
			commit(upTo)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			for len(w.History()) < int(upTo) {
				require.NoError(t, ctx.Err())
				runtime.Gosched()
			}
			cancel()
		}
		for i, c := range w.History() {
			require.Equal(t, Commit{p, int64(i + 1), c.At}, c)
		}
	})
	require.Equal(t, []string{fmt.Sprintf("group %q committed %s up to 3 while offset 2 was not resolved", "g", p)}, errs)
}
