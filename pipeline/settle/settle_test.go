package settle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/pipeline/settle"
	"gantry/record"
)

func piece(n int) settle.Piece {
	p := settle.Piece{}
	for i := range n {
		p.Records = append(p.Records, record.Record{Offset: int64(i)})
	}
	return p
}

func offsets(records []record.Record) []int64 {
	var out []int64
	for _, r := range records {
		out = append(out, r.Offset)
	}
	return out
}

// Whatever the outcome and the controls: a record is in exactly one place (settled,
// Again, GiveUp), order is kept, and attempts and invocations only count up.
func TestEveryRecordIsInExactlyOnePlace(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		p := piece(1 + draw.IntN(9))
		p.Attempts, p.Invoked = draw.IntN(4), draw.IntN(9)
		c := settle.Controls{Attempts: draw.IntN(5) - 1, Age: -1, Bisect: draw.IntN(2) == 0}
		out := function.Outcome{Class: function.Class(draw.IntN(6))}
		var failed []int
		if out.Class == function.Succeeded && draw.IntN(2) == 0 {
			for i := range p.Records {
				if draw.IntN(2) == 0 {
					failed = append(failed, i)
				}
			}
		}
		cut := draw.IntN(2) == 0
		v := settle.Decide(p, out, failed, cut, c)
		said := fmt.Sprintf("%d records, %s, failed %v, cut %v, %+v → %+v", len(p.Records), out.Class, failed, cut, c, v)

		var left []int64
		if v.GiveUp != nil {
			left = append(left, offsets(v.GiveUp.Records)...)
			require.Empty(t, v.Again, said)
			require.NotEmpty(t, v.Why, said)
			require.Equal(t, p.Invoked+1, v.GiveUp.Invoked, said)
		}
		for _, again := range v.Again {
			require.NotEmpty(t, again.Records, said)
			require.Equal(t, p.Invoked+1, again.Invoked, said)
			require.GreaterOrEqual(t, again.Attempts, p.Attempts, said)
			require.True(t, c.Attempts < 0 || again.Attempts <= max(c.Attempts, p.Attempts), said)
			left = append(left, offsets(again.Records)...)
		}
		var want []int64
		switch {
		case out.Class != function.Succeeded:
			want = offsets(p.Records)
		default:
			for _, i := range failed {
				want = append(want, p.Records[i].Offset)
			}
		}
		require.Equal(t, want, left, said)
	}
}

func TestExpiredCutsByAgeAndKeepsOrder(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000)
	draw := rand.New(rand.NewPCG(3, 4))
	for range 5_000 {
		p := piece(1 + draw.IntN(8))
		var young, old []int64
		for i := range p.Records {
			age := draw.Int64N(200_000)
			p.Records[i].Timestamp = now.UnixMilli() - age
			if age > 100_000 {
				old = append(old, int64(i))
			} else {
				young = append(young, int64(i))
			}
		}
		before := offsets(p.Records)
		y, o := settle.Expired(p, settle.Controls{Age: 100 * time.Second}, now)
		require.Equal(t, young, offsets(y.Records))
		require.Equal(t, old, offsets(o.Records))
		require.Equal(t, before, offsets(p.Records), "the piece itself is left alone")
		y, o = settle.Expired(p, settle.Controls{Age: -1}, now)
		require.Len(t, y.Records, len(p.Records))
		require.Empty(t, o.Records)
	}
}

func TestReadFailures(t *testing.T) {
	t.Parallel()
	b := &record.Batch{Parts: []record.Part{
		{Lane: record.Lane{Topic: "a-1"}, Records: []record.Record{{Offset: 5}, {Offset: 9}}},
		{Lane: record.Lane{Topic: "a", Partition: 1}, Records: []record.Record{{Offset: 0}}},
	}}
	item := func(key string, offset any) string {
		return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":{"partition":%q,"offset":%v}}]}`, key, offset)
	}
	for answer, want := range map[string]settle.Failures{
		"": nil, "null": nil, " {} ": nil, `{"batchItemFailures":[]}`: nil, `{"batchItemFailures":null}`: nil, `{"other":1}`: nil, //nolint:gocritic // white space is what is tested
		item("a-1-0", 9): {0: {1}},
		item("a-1", 0):   {1: {0}}, // a topic may end as another's partition does
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"a-1-0","offset":9}},{"itemIdentifier":{"partition":"a-1-0","offset":5}},` +
			`{"itemIdentifier":{"partition":"a-1-0","offset":9}}]}`: {0: {0, 1}},
	} {
		got, err := settle.ReadFailures([]byte(answer), b)
		require.NoError(t, err, answer)
		require.Equal(t, want, got, answer)
	}
	for _, answer := range []string{
		"nonsense", `"text"`, "[]", "1", `{"batchItemFailures":{}}`, `{"batchItemFailures":[{}]}`, `{"batchItemFailures":[null]}`,
		`{"batchItemFailures":[{"itemIdentifier":"5"}]}`, `{"batchItemFailures":[{"itemIdentifier":{"offset":5}}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"a-1-0"}}]}`,
		item("a-1-0", 6), item("a-1-0", -1), item("a-1-1", 5), item("b-0", 5), item("a-1-0", `"5"`), item("a-1-0", 5.5),
	} {
		_, err := settle.ReadFailures([]byte(answer), b)
		require.Error(t, err, answer)
	}
}
