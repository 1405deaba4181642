package kafkatest

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/record"
)

func at(offsets ...int64) []record.Position {
	var out []record.Position
	for _, o := range offsets {
		out = append(out, record.Position{Topic: "orders", Partition: 0, Offset: o})
	}
	return out
}

var part = record.Partition{Topic: "orders", Index: 0}

// Each case is a story; the verdict must name exactly what is wrong with it.
func TestJournalVerdict(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		story func(j *Journal)
		want  string
	}{
		"each once": {
			func(j *Journal) {
				j.Report("a", Began, at(0, 1)...)
				j.Report("a", Done, at(0, 1)...)
				j.Report("a", Done, at(2, 3)...)
			}, "4 deliveries, 0 lost, 0 out of order, 0 repeated",
		},
		"one never came": {
			func(j *Journal) { j.Report("a", Done, at(0, 1, 2)...) },
			"3 deliveries, 1 lost, 0 out of order, 0 repeated\nlost: orders-0 3",
		},
		"begun and not ended is not resolved": {
			func(j *Journal) { j.Report("a", Done, at(0, 1, 2)...); j.Report("a", Began, at(3)...) },
			"4 deliveries, 1 lost, 0 out of order, 0 repeated\nlost: orders-0 3",
		},
		"a later one first": {
			func(j *Journal) { j.Report("a", Done, at(0, 2, 3)...); j.Report("a", Done, at(1)...) },
			"4 deliveries, 0 lost, 1 out of order, 0 repeated\n" +
				"out of order: orders/0@2 was given to a while offset 1 was not resolved (not delivered)",
		},
		"past a failed one": {
			func(j *Journal) {
				j.Report("a", Failed, at(0)...)
				j.Report("a", Done, at(1, 2, 3)...)
				j.Report("a", Done, at(0)...)
			}, "5 deliveries, 0 lost, 1 out of order, 0 repeated\n" +
				"out of order: orders/0@1 was given to a while offset 0 was not resolved (failed)",
		},
		"a retry of what failed is no repeat": {
			func(j *Journal) {
				j.Report("a", Began, at(0, 1, 2)...)
				j.Report("a", Done, at(0, 2)...)
				j.Report("a", Failed, at(1)...)
				j.Report("a", Done, at(1)...)
				j.Report("a", Done, at(3)...)
			}, "5 deliveries, 0 lost, 0 out of order, 0 repeated",
		},
		"given up": {
			func(j *Journal) {
				j.Report("a", Failed, at(0)...)
				j.Report("test", GaveUp, at(0)...)
				j.Report("a", Done, at(1, 2, 3)...)
			}, "4 deliveries, 0 lost, 0 out of order, 0 repeated",
		},
		"backwards within a batch": {
			func(j *Journal) { j.Report("a", Done, at(0, 1, 3, 2)...) },
			"4 deliveries, 0 lost, 2 out of order, 0 repeated\n" +
				"out of order: orders/0@3 was given to a while offset 2 was not resolved (not delivered)\n" +
				"out of order: orders/0@2 was given to a after offset 3 in one batch",
		},
		"repeats with and without a reason": {
			func(j *Journal) {
				j.Report("a", Done, at(0, 1)...)
				j.Report("a", Began, at(2)...)
				j.Mark("kill -9 of a")
				j.Report("b", Done, at(0, 1, 2)...)
				time.Sleep(time.Second)
				j.Report("b", Done, at(3)...)
				j.Report("b", Done, at(3)...)
			}, "8 deliveries, 0 lost, 0 out of order, 4 repeated\n" +
				"repeated: orders-0 0..2 from a to b: kill -9 of a\n" +
				"repeated: orders-0 3 from b to b: no reason known",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := NewJournal()
				j.ExpectFirst("orders", 0, 4)
				tc.story(j)
				require.Equal(t, tc.want+"\n", j.Verdict().String())
			})
		})
	}
}

func TestJournalKnowsHolesAndTellsInFlightFromDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := NewJournal()
		j.Expect("orders", 0, 0, 5, 9)
		j.Report("a", Done, at(0)...)
		j.Report("a", Began, at(5)...)
		time.Sleep(time.Second)
		j.Mark("kill")
		time.Sleep(time.Second)
		j.Report("b", Done, at(0, 5, 9)...)
		v := j.Verdict()
		v.RequireNothingLost(t)
		require.Len(t, v.Repeats, 2)
		require.False(t, v.Repeats[0].InFlight)
		require.True(t, v.Repeats[1].InFlight)
		require.Equal(t, 2*time.Second, v.Repeats[1].Again.Sub(v.Repeats[1].First))
		require.Empty(t, v.Unexplained())
		j.Report("b", Done, at(9)...)
		require.Len(t, j.Verdict().Unexplained(), 1, "a mark explains only what came after the first delivery and the mark")
	})
}

func TestJournalResolvedIsTheLowestOpenOffset(t *testing.T) {
	t.Parallel()
	j := NewJournal()
	j.Expect("orders", 0, 0, 5, 9)
	require.EqualValues(t, 0, j.Resolved(part))
	j.Report("a", Done, at(0, 9)...)
	require.EqualValues(t, 5, j.Resolved(part))
	j.Report("a", Failed, at(5)...)
	require.EqualValues(t, 5, j.Resolved(part))
	j.Report("a", Done, at(5)...)
	require.EqualValues(t, math.MaxInt64, j.Resolved(part))
	j.Report("a", Began, at(5)...)
	require.EqualValues(t, math.MaxInt64, j.Resolved(part), "resolved once, delivered again")
	j.Report("a", Failed, at(0)...)
	require.EqualValues(t, 0, j.Resolved(part))
}

func TestJournalCollectsOverHTTP(t *testing.T) {
	t.Parallel()
	j := NewJournal()
	j.ExpectFirst("orders", 0, 3)
	j.ExpectFirst("orders", 1, 1)
	url := j.Serve(t)
	post := func(query, body string) int {
		resp, err := http.Post(url+query, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	event := `{"eventSource":"SelfManagedKafka","records":{"orders-0":[{"topic":"orders","partition":0,"offset":0,"value":"eA=="}],"orders-1":[{"topic":"orders","partition":1,"offset":0}]}}`
	require.Equal(t, 204, post("?process=p1&outcome=began", event))
	require.Equal(t, 204, post("?process=p1", event))
	require.Equal(t, 204, post("?process=p1", `{"spans":[{"topic":"orders","partition":0,"first":1,"last":2}]}`))
	for _, bad := range []string{"{", "{}", `{"records":{}}`} {
		require.Equal(t, 400, post("", bad))
	}
	require.Equal(t, 400, post("?outcome=perhaps", event))
	j.Wait(t, time.Second)
	j.Verdict().RequireExactlyOnce(t)
}

func TestJournalJudgesALargeRunQuickly(t *testing.T) {
	t.Parallel()
	const n, batch = 200_000, 1000
	j := NewJournal()
	j.ExpectFirst("orders", 0, n)
	for first := int64(0); first < n; first += batch {
		positions := make([]record.Position, batch)
		for i := range positions {
			positions[i] = record.Position{Topic: "orders", Offset: first + int64(i)}
		}
		j.Report("a", Began, positions...)
		require.Equal(t, first, j.Resolved(part))
		j.Report("a", Done, positions...)
	}
	began := time.Now()
	j.Verdict().RequireExactlyOnce(t)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestJournalWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := NewJournal()
		j.ExpectFirst("orders", 0, 2)
		go func() {
			time.Sleep(time.Hour)
			j.Report("a", Done, at(0, 1)...)
		}()
		began := time.Now()
		j.Wait(t, 2*time.Hour)
		require.Equal(t, time.Hour, time.Since(began))
	})
}
