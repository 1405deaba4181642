package compare_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
	"gantry/record"
)

// script is a comparison of one topic that is told in short lines.
type script struct {
	*compare.Comparison
	offsets [3]int64
}

func begin(o plan.Output, ignore ...plan.Ignore) *script {
	o.Topic = topic
	return &script{Comparison: compare.Begin(plan.Plan{Name: "p", Outputs: []plan.Output{o}, Ignore: ignore}, clock(100))}
}

// add takes texts such as k=value, one second apart, from a second of the clock on.
func (s *script) add(side compare.Side, from int, texts ...string) {
	for i, text := range texts {
		r := compare.Record{Topic: topic, At: clock(from + i), Offset: s.offsets[side], Where: [3]string{topic, topic + ".shadow.p", "second"}[side]}
		var key string
		if n, err := fmt.Sscanf(text, "%1s", &key); n == 1 && err == nil {
			r.Key, r.Value = []byte(key), []byte(text[2:])
		}
		s.offsets[side]++
		s.Add(side, r)
	}
}

func (s *script) settle() plan.Compared {
	s.Settle(s.Mark())
	return s.Report().Outputs[0]
}

// told is what a report counts, where it counts anything.
func (s *script) told() string {
	c := s.Report().Outputs[0]
	text := ""
	for _, n := range []struct {
		name  string
		count int64
	}{
		{"pending", c.Pending}, {"equal", c.Equal}, {"masked", c.Masked}, {"different", c.Different}, {"missing", c.Missing},
		{"extra", c.Extra}, {"reordered", c.Reordered}, {"seam", c.Seam}, {"unpaired", c.Unpaired},
	} {
		if n.count != 0 {
			text += fmt.Sprintf(" %s %d", n.name, n.count)
		}
	}
	return text
}

func byKey() plan.Output { return plan.Output{Pair: plan.PairKey, Order: true} }

func TestOrderedLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"abcd", "abcd", " equal 4"},
		{"abcd", "acd", " equal 3 missing 1"},
		{"acd", "abcd", " equal 3 extra 1"},
		{"abcd", "aXcd", " equal 3 different 1"},
		{"abcd", "acbd", " equal 2 reordered 2"},
		{"abcde", "bcdea", " reordered 5"},
		{"abcdef", "bcdf", " equal 4 missing 2"},
		{"xabc", "abcy", " equal 3 missing 1 extra 1"},
		{"ababab", "babab", " equal 5 missing 1"},
		{"", "ab", " extra 2"},
		{"aab", "aba", " equal 1 reordered 2"},
	} {
		s := begin(byKey())
		for i, v := range c.old {
			s.add(compare.Old, 100+i, "k="+string(v))
		}
		for i, v := range c.new {
			s.add(compare.New, 100+i, "k="+string(v))
		}
		s.settle()
		require.Equal(t, c.want, s.told(), "%s and %s", c.old, c.new)
	}
}

// TestSeam: what the old service wrote before the run is not missing, and neither is what
// is left over because the functions' output was paired with it.
func TestSeam(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		early, old string
		new        string
		want       string
	}{
		{"only old", "ab", "c", "c", " equal 1 seam 2"},
		{"done again", "ab", "c", "bc", " equal 2 seam 1"},
		{"repeats", "a", "a", "a", " equal 1 seam 1"},
		{"repeats, another between", "ab", "ac", "ac", " equal 2 seam 2"},
		{"really missing", "a", "b", "", " missing 1 seam 1"},
		{"missing beside one that was paired", "a", "bc", "ac", " equal 2 missing 1"},
		{"no more than were paired", "a", "aaa", "a", " equal 1 missing 2 seam 1"},
		{"differs", "ab", "cX", "cY", " equal 1 different 1 seam 2"},
	} {
		for _, order := range []bool{true, false} {
			s := begin(plan.Output{Pair: plan.PairKey, Order: order})
			for i, v := range c.early {
				s.add(compare.Old, 90+i, "k="+string(v))
			}
			for i, v := range c.old {
				s.add(compare.Old, 100+i, "k="+string(v))
			}
			for i, v := range c.new {
				s.add(compare.New, 101+i, "k="+string(v))
			}
			s.settle()
			want := c.want
			if c.name == "differs" && !order {
				want = " equal 1 missing 1 extra 1 seam 2" // wholly different, and nothing says which it should be
			}
			require.Equal(t, want, s.told(), "%s, order=%v", c.name, order)
		}
	}
}

// TestBarriers: nothing is missing before its barrier, and what is newer waits.
func TestBarriers(t *testing.T) {
	t.Parallel()
	s := begin(byKey())
	s.add(compare.Old, 100, "k=a", "l=a")
	b := s.Mark()
	s.add(compare.Old, 110, "k=b")
	require.Equal(t, " pending 3", s.told())
	s.add(compare.New, 110, "l=a")
	s.Settle(b)
	require.Equal(t, " pending 1 equal 1 missing 1", s.told())

	s.settle()
	s.add(compare.Old, 120, `m={"n":1,"x":1,"y":1}`)
	b = s.Mark()
	s.add(compare.New, 120, `m={"n":2,"x":1,"y":1}`) // its own counterpart, or that of the first with a fault?
	s.Settle(b)
	require.Equal(t, " pending 2 equal 1 missing 2", s.told())
	s.add(compare.Old, 121, `m={"n":2,"x":1,"y":1}`)
	s.settle()
	require.Equal(t, " equal 2 missing 3", s.told())
	s.Settle(b)
	require.Equal(t, " equal 2 missing 3", s.told(), "twice is harmless")
}

// TestLookahead: a barrier is not needed once both sides show how it goes on.
func TestLookahead(t *testing.T) {
	t.Parallel()
	s := begin(byKey())
	for i := range 100 {
		s.add(compare.Old, 100+i, fmt.Sprintf("k=%d", i))
		if i > 0 {
			s.add(compare.New, 100+i, fmt.Sprintf("k=%d", i))
		}
	}
	require.Equal(t, " equal 99 missing 1", s.told())
}

// TestFarApart: a thousand outputs of a key that are missing do not spoil what comes behind.
func TestFarApart(t *testing.T) {
	t.Parallel()
	s := begin(byKey())
	for i := range 3000 {
		s.add(compare.Old, 100+i, fmt.Sprintf("k=%d", i))
		if i >= 1000 {
			s.add(compare.New, 100+i, fmt.Sprintf("k=%d", i))
		}
	}
	s.settle()
	require.Equal(t, " equal 2000 missing 1000", s.told())
}

func TestMaskedLater(t *testing.T) {
	t.Parallel()
	o := byKey()
	o.Second = "second"
	s := begin(o, plan.Ignore{Path: "id", Why: "made anew"})
	s.add(compare.Old, 100, `k={"a":1,"at":[{"t":1}],"id":1}`)
	s.add(compare.New, 100, `k={"a":1,"at":[{"t":2}],"id":2}`)
	s.add(compare.Old, 101, `l={"a":1,"at":[{"t":1}],"id":1}`)
	s.add(compare.New, 101, `l={"a":2,"at":[{"t":2}],"id":2}`)
	s.add(compare.Second, 101, `x={"a":2,"at":[{"t":2}],"id":2}`)
	s.add(compare.Old, 101, `x={"a":2,"at":[{"t":2}],"id":2}`)
	s.add(compare.New, 101, `x={"a":2,"at":[{"t":2}],"id":2}`)
	c := s.settle()
	require.Equal(t, " equal 1 different 2", s.told())
	require.Equal(t, []string{"a", "at[*].t"}, c.Differences[0].Paths)

	s.add(compare.Old, 102, `m={"a":1,"b":7,"at":[{"t":1}],"id":1}`)
	s.add(compare.Second, 102, `m={"a":1,"b":7,"at":[{"t":3}],"id":4}`)
	s.add(compare.New, 102, `m={"a":1,"b":7,"at":[{"t":3}],"id":4}`)
	c = s.settle()
	require.Equal(t, " equal 1 masked 2 different 1", s.told())
	require.Len(t, c.Differences, 1)
	require.Equal(t, []string{"a"}, c.Differences[0].Paths)
	require.Equal(t, []plan.SampleLine{{Path: "a", Old: "1", New: "2"}}, c.Differences[0].Samples[0].Lines)
	require.Equal(t, []plan.Mask{
		{Path: "id", Why: "made anew", Count: 3}, {Path: "at[*].t", Why: "differs between two runs of the old code", Count: 3},
	}, c.Masks)
	require.Equal(t, "second run of out: 2 outputs", s.Report().NotCompared[0].What, "k and l were written by one run only")
}

func TestSamples(t *testing.T) {
	t.Parallel()
	s := begin(byKey())
	for i := range 9 {
		s.add(compare.Old, 100+i, fmt.Sprintf(`%d={"total":%d,"s":"%0300d"}`, i, i, 1))
		s.add(compare.New, 100+i, fmt.Sprintf(`%d={"total":%d,"s":"%0300d"}`, i, i+1, 2))
	}
	c := s.settle()
	require.Len(t, c.Differences, 1)
	d := c.Differences[0]
	require.Equal(t, []string{"s", "total"}, d.Paths)
	require.EqualValues(t, 9, d.Count)
	require.Equal(t, 9, d.Keys)
	require.Len(t, d.Samples, 5)
	first := d.Samples[0]
	require.Equal(t, "0", first.Key)
	require.Equal(t, &plan.Place{Topic: "out", Time: clock(100)}, first.Old)
	require.Equal(t, "out.shadow.p", first.New.Topic)
	require.Equal(t, plan.SampleLine{Path: "total", Old: "0", New: "1"}, first.Lines[0])
	require.Len(t, first.Lines[1].Old, 200+len("…"))
	require.Equal(t, 1.0, c.Upper)
}

// TestUnpaired: what can't be paired is said, and so is what waited too long.
func TestUnpaired(t *testing.T) {
	t.Parallel()
	for _, o := range outputs() {
		if o.Pair == plan.PairKey {
			continue
		}
		s := begin(o)
		s.add(compare.Old, 100, "k=1")
		s.add(compare.New, 100, `k={"order":{"id":null}}`)
		s.settle()
		require.Equal(t, " unpaired 2", s.told())
		require.Contains(t, s.Report().NotCompared[0].What, "out: 2 outputs")
		require.NotEmpty(t, s.Report().NotCompared[0].Why)
	}
	s := begin(byKey())
	s.Add(compare.Old, compare.Record{Topic: "another"})
	require.Equal(t, "another: 1 output", s.Report().NotCompared[0].What)
}

// TestSource: both sets of headers name the input, and a field names others.
func TestSource(t *testing.T) {
	t.Parallel()
	headers := func(prefix, offset string) []record.Header {
		return []record.Header{
			{Key: prefix + "-topic", Value: []byte("in")}, {Key: prefix + "-partition", Value: []byte("3")}, {Key: prefix + "-offset", Value: []byte(offset)},
		}
	}
	s := begin(plan.Output{Pair: plan.PairSource})
	s.Add(compare.Old, compare.Record{Topic: topic, At: clock(100), Headers: headers("gantry-source", "1")})
	s.Add(compare.New, compare.Record{Topic: topic, At: clock(100), Headers: headers("gantry-source", "1"), Value: []byte("x")})
	s.settle()
	require.Equal(t, " different 1", s.told(), "a tombstone and a value")
	s = begin(plan.Output{Pair: plan.PairSource, Field: "x"})
	s.Add(compare.Old, compare.Record{Topic: topic, At: clock(100), Headers: headers("x", "1")})
	s.Add(compare.New, compare.Record{Topic: topic, At: clock(100), Headers: headers("x", "1")})
	s.Add(compare.New, compare.Record{Topic: topic, At: clock(100), Headers: headers("gantry", "1")})
	s.settle()
	require.Equal(t, " equal 1 unpaired 1", s.told())
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	s := begin(byKey())
	monday := time.Date(2026, 11, 30, 0, 59, 0, 0, time.UTC)
	for i, at := range []time.Time{monday, monday.Add(time.Minute), monday.Add(-time.Hour)} {
		for _, side := range []compare.Side{compare.Old, compare.New} {
			s.Add(side, compare.Record{Topic: topic, Partition: int32(i / 2), At: at, Key: []byte{byte(i)}})
		}
	}
	c := s.Report().Coverage
	require.Equal(t, 3, c.Keys)
	require.Equal(t, 3, c.Hours())
	require.Equal(t, []int64{1, 1, 1}, []int64{c.HoursOfWeek[0], c.HoursOfWeek[1], c.HoursOfWeek[167]})
	require.Equal(t, map[string]int{topic: 2}, c.Partitions)
	require.Equal(t, monday.Add(time.Minute), s.Report().Until)
}
