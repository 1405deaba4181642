package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/shadow/page"
	"gantry/plan"
)

var (
	update = flag.Bool("update", false, "write the golden files")
	keep   = flag.String("keep", "", "write the page of the run with differences to this file, to be looked at")
)

var began = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func hours(s *plan.Shadow, from, to int) {
	for i := from; i < to; i++ {
		s.Coverage.HoursOfWeek[i] = int64(10 + (i*37)%150)
	}
}

func clean() plan.Shadow {
	s := plan.Shadow{
		Plan: "orders", Began: began, Until: began.Add(26 * time.Hour), Inputs: 1204, Running: "waiting for the gate for", Upper: 0.002485,
		Outputs: []plan.Compared{{
			Topic: "orders.validated", Pair: plan.PairKey, Old: 1300, New: 1204, Equal: 1000, Masked: 204, Seam: 96, Keys: 310, Upper: 0.002485,
			Masks: []plan.Mask{{Path: "at", Why: "differs between two runs of the old code", Count: 204}, {Path: "header:trace", Why: "each program its own", Count: 7}},
		}},
		Gates: []plan.Gate{
			{Name: "compared", Want: "at least 1,000 outputs", Have: "1,204 outputs", Passed: true},
			{Name: "different", Want: "at most 0.3 %", Have: "0 of 1,204 differ: at most 0.25 % at 95 %", Passed: true},
			{Name: "for", Want: "at least 2 days", Have: "1 day 2 h", Why: "22 h to go"},
		},
		NotCompared: []plan.Uncovered{{What: "mail", Why: "denied in shadow", NotEnforced: true}},
		Coverage:    plan.Coverage{Keys: 310, Partitions: map[string]int{"orders.validated": 6}},
	}
	hours(&s, 8, 34)
	return s
}

func passed() plan.Shadow {
	s := clean()
	s.Gates, s.Passed, s.NotCompared, s.Over, s.Running = s.Gates[:2], true, nil, true, ""
	return s
}

func place(topic string, offset int64) *plan.Place {
	return &plan.Place{Topic: topic, Partition: 3, Offset: offset, Time: began.Add(time.Duration(offset) * time.Second)}
}

func differing() plan.Shadow {
	s := clean()
	s.Upper, s.Failed = 0.0421, 2
	s.Gates[1] = plan.Gate{Name: "different", Want: "at most 0.3 %", Have: "41 of 1,204 differ: at most 4.4 % at 95 %", Why: "too much differs: find out why"}
	s.Outputs[0].Equal, s.Outputs[0].Different, s.Outputs[0].Missing, s.Outputs[0].Extra, s.Outputs[0].Reordered = 961, 24, 9, 4, 2
	s.Outputs[0].Upper = 0.0491
	s.Outputs[0].Differences = []plan.Difference{
		{Kind: plan.DifferentFields, Paths: []string{"lines[*].price", "total"}, Count: 24, Keys: 19, Samples: []plan.Sample{
			{Key: "customer-1841", Old: place("orders.validated", 88123), New: place("orders.validated.shadow.orders", 412), Lines: []plan.SampleLine{
				{Path: "total", Old: "107.50", New: "107.49"}, {Path: "lines[2].price", Old: "17.5", New: "17.49"}, {Path: "note", Old: `"rounded up"`, New: ""},
			}},
			{Key: "customer-7", Old: place("orders.validated", 88200), New: place("orders.validated.shadow.orders", 477), Lines: []plan.SampleLine{{Path: "total", Old: "12.10", New: "12.1000001"}}},
		}},
		{Kind: plan.MissingOutput, Count: 9, Keys: 9, Samples: []plan.Sample{{Key: "customer-3", Old: place("orders.validated", 9), Lines: []plan.SampleLine{{Path: "$", Old: `{"id":3,"total":4}`}}}}},
		{Kind: plan.ExtraOutput, Count: 4, Keys: 1, Samples: []plan.Sample{{Key: "", New: place("orders.validated.shadow.orders", 9), Lines: []plan.SampleLine{{Path: "$", New: `{"id":3,"total":4}`}}}}},
		{Kind: plan.OtherOrder, Count: 2, Keys: 1, Samples: []plan.Sample{{Key: "base64:AAE=", Old: place("orders.validated", 10), New: place("orders.validated.shadow.orders", 12)}}},
	}
	s.Outputs = append(s.Outputs, plan.Compared{Topic: "orders.priced", Pair: plan.PairValue, Old: 205, New: 204, Equal: 200, Different: 2, Pending: 3, Unpaired: 2, Keys: 88, Upper: 0.03,
		Differences: []plan.Difference{{Kind: plan.DifferentFields, Paths: []string{"currency"}, Count: 2, Keys: 2, Samples: []plan.Sample{
			{Key: "a", Old: place("orders.priced", 1), New: place("orders.priced.shadow.orders", 1), Lines: []plan.SampleLine{{Path: "currency", Old: `"EUR"`, New: `"€"`}}}}}}})
	s.NotCompared = append(s.NotCompared, plan.Uncovered{What: "orders.priced: 2 outputs", Why: "without order.id in a JSON value, which pairs them"})
	return s
}

// crowded has more of everything than fits.
func crowded() plan.Shadow {
	s := differing()
	d := s.Outputs[0].Differences[0]
	for range 30 {
		s.Outputs[0].Differences = append(s.Outputs[0].Differences, d)
		s.Outputs = append(s.Outputs, plan.Compared{Topic: "t" + strings.Repeat("o", 200), Pair: plan.PairSource})
		s.NotCompared = append(s.NotCompared, plan.Uncovered{What: "x", Why: strings.Repeat("why ", 60)})
	}
	return s
}

func runs() map[string]plan.Shadow {
	return map[string]plan.Shadow{"clean": clean(), "passed": passed(), "differing": differing(), "crowded": crowded(), "empty": {Plan: "orders", Began: began, Until: began, Upper: 1}}
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, s := range runs() {
		var b bytes.Buffer
		require.NoError(t, page.Text(&b, s))
		file := filepath.Join("testdata", name+".txt")
		if *update {
			require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), b.String(), "with -update it is written anew: look at the change")
		require.LessOrEqual(t, strings.Count(b.String(), "\n"), 40)
		if len(s.NotCompared) > 0 {
			require.Contains(t, b.String(), "not compared: "+s.NotCompared[0].What)
		}
	}
}

func written(t *testing.T, s plan.Shadow) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, page.Write(&b, s))
	return b.String()
}

func TestPage(t *testing.T) {
	t.Parallel()
	for name, s := range runs() {
		text := written(t, s)
		require.NotRegexp(t, `(?i)<script|<img|<iframe|@import|url\(|https?://|ZgotmplZ|NaN|Inf\b`, text, name)
		for _, o := range s.Outputs {
			require.Contains(t, text, o.Topic)
		}
		for _, g := range s.Gates {
			require.Contains(t, text, "<b>"+g.Name+"</b>")
		}
		for _, u := range s.NotCompared {
			require.Contains(t, text, "<b>"+u.What+"</b>")
		}
		wellFormed(t, text)
	}
	if *keep != "" {
		require.NoError(t, os.WriteFile(*keep, []byte(written(t, differing())), 0o600))
	}
}

// wellFormed reads the heat map as XML.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	plots := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1)
	require.Len(t, plots, 1)
	d := xml.NewDecoder(strings.NewReader(plots[0]))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

// TestNeverGreen: what was not compared keeps its own colour, and a page that has not passed
// does not look as if it had.
func TestNeverGreen(t *testing.T) {
	t.Parallel()
	require.Contains(t, written(t, passed()), `class="card lead good"`)
	for name, s := range runs() {
		if name != "passed" {
			require.NotContains(t, written(t, s), `class="card lead good"`, name)
		}
	}
	s := passed()
	s.Passed = false
	require.NotContains(t, written(t, s), `class="card lead good"`)
	require.Contains(t, written(t, clean()), "1,204 outputs compared, none differs: at most 0.25 % can, at 95 % confidence. Not compared: mail (denied, not enforced).")
}

func TestMarks(t *testing.T) {
	t.Parallel()
	text := written(t, differing())
	for _, want := range []string{
		`<td class="cut">107.<mark>50</mark></td><td class="put">107.<mark>49</mark></td>`,
		`<td class="put"><span class="soft">not there</span></td>`,
		`<td class="cut">12.10</td><td class="put">12.10<mark>00001</mark></td>`,
	} {
		require.True(t, strings.Contains(text, want), want)
	}
}

// TestHostile: what comes from topics is text, never markup, and moves no cursor.
func TestHostile(t *testing.T) {
	t.Parallel()
	s := differing()
	bad := "</td><script>alert(1)</script>\x1b[2J\u009b2J\r\nx"
	s.Plan, s.Outputs[0].Topic = bad, bad
	d := &s.Outputs[0].Differences[0]
	d.Paths[0], d.Samples[0].Key, d.Samples[0].Lines[0] = bad, bad, plan.SampleLine{Path: bad, Old: bad, New: bad + "2"}
	s.NotCompared[0].What, s.Gates[0].Why = bad, bad
	require.NotContains(t, written(t, s), "<script")
	var b bytes.Buffer
	require.NoError(t, page.Text(&b, s))
	require.NotRegexp(t, "[\x00-\x09\x0b-\x1f\u0080-\u009f]", b.String())
}
