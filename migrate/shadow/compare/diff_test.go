package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"gantry/plan"
	"gantry/record"
)

func newTestRules(pair plan.Pair, ignore ...string) *rules {
	p := plan.Plan{Outputs: []plan.Output{{Topic: "out", Pair: pair}}}
	for _, path := range ignore {
		p.Ignore = append(p.Ignore, plan.Ignore{Path: path, Why: "it is none"})
	}
	return newRules(p, p.Outputs[0])
}

func valued(text string) *output { return &output{Record: Record{Value: []byte(text)}} }

// changes writes a diff as text: path: old → new, (left out).
func changes(r *rules, a, b *output) []string {
	if r.whole(a, b) {
		return nil
	}
	var out []string
	for _, c := range r.diff(a, b) {
		text := fmt.Sprintf("%s: %s → %s", c.Path, c.Old, c.New)
		if c.rule != nil {
			text = "(" + text + ")"
		}
		out = append(out, text)
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, new string
		ignore   []string
		want     []string
	}{
		{old: `{"a":1,"b":[1,2]}`, new: ` {"b" : [1.0, 20e-1],"a":1.00} `},
		{old: `{"a":1e2,"b":-0}`, new: `{"a":100,"b":0.0}`},
		{old: `12345678901234567890`, new: `12345678901234567891`, want: []string{"$: 12345678901234567890 → 12345678901234567891"}},
		{old: `{"s":"é\n"}`, new: `{"s":"\u00e9\u000a"}`},
		{old: `{"s":"\ud800"}`, new: `{"s":"\ud801"}`, want: []string{`s: "\ud800" → "\ud801"`}},
		{old: `{"total":1}`, new: `{"total":"1"}`, want: []string{`total: 1 → "1"`}},
		{old: `{"a":null}`, new: `{}`, want: []string{"a: null → ", "$:  → {}"}},
		{old: `{"a":{"b":1}}`, new: `{"a":[1]}`, want: []string{"a.b: 1 → ", "a[0]:  → 1"}},
		{old: `{"lines":[{"p":1},{"p":2}]}`, new: `{"lines":[{"p":1},{"p":3}]}`, want: []string{"lines[1].p: 2 → 3"}},
		{old: `{"lines":[1,2]}`, new: `{"lines":[1]}`, want: []string{"lines[1]: 2 → "}},
		{old: `{"a.b":1,"":2}`, new: `{"a.b":2,"":3}`, want: []string{`["a.b"]: 1 → 2`, `[""]: 2 → 3`}},
		{old: `{"a":1,"a":2}`, new: `{"a":3,"a":2}`, want: []string{`$: {"a":1,"a":2} → {"a":3,"a":2}`}},
		{old: `not json`, new: `not  json`, want: []string{`$: "not json" → "not  json"`}},
		{old: `"1"`, new: `1`, want: []string{`$: "1" → 1`}},
		{old: "\x00\xff", new: "", want: []string{`$: "base64:AP8=" → ""`}},
		{old: `{"a":01}`, new: `{"a":1}`, want: []string{`$: "{\"a\":01}" → `, "a:  → 1"}},
		{old: `{"at":1,"a":2}`, new: `{"at":3,"a":2}`, ignore: []string{"at"}, want: []string{"(at: 1 → 3)"}},
		{old: `{"m":{"x":1,"y":[1]}}`, new: `{"m":{"x":2,"y":[2]}}`, ignore: []string{"$.m"}, want: []string{"(m.x: 1 → 2)", "(m.y[0]: 1 → 2)"}},
		{old: `{"l":[{"id":1},{"id":2}]}`, new: `{"l":[{"id":3},{"id":4}]}`, ignore: []string{"l[*].id"}, want: []string{"(l[0].id: 1 → 3)", "(l[1].id: 2 → 4)"}},
		{old: `{"l":[1,2]}`, new: `{"l":[3,4]}`, ignore: []string{"l[1]"}, want: []string{"l[0]: 1 → 3", "(l[1]: 2 → 4)"}},
		{old: `{"m":{"x":{"at":1}}}`, new: `{"m":{"x":{"at":2}}}`, ignore: []string{"m.*.at"}, want: []string{"(m.x.at: 1 → 2)"}},
		{old: `{"key":1}`, new: `{"key":2}`, ignore: []string{"key"}, want: []string{`["key"]: 1 → 2`}},
		{old: `{"key":1}`, new: `{"key":2}`, ignore: []string{`["key"]`}, want: []string{`(["key"]: 1 → 2)`}},
	} {
		r := newTestRules(plan.PairValue, c.ignore...)
		require.Empty(t, r.faults)
		require.Equal(t, c.want, changes(r, valued(c.old), valued(c.new)), "%s and %s", c.old, c.new)
	}
}

// TestDiffBeside: keys, headers, partitions and tombstones.
func TestDiffBeside(t *testing.T) {
	t.Parallel()
	header := func(key, value string) record.Header { return record.Header{Key: key, Value: []byte(value)} }
	a := Record{Key: []byte("k"), Partition: 1, Headers: []record.Header{header("x", "1"), header("x", "2"), header("only", "old")}}
	b := Record{Key: []byte("l"), Partition: 2, Value: []byte{}, Headers: []record.Header{header("gantry-source-topic", "in"), header("x", "1"), header("x", "3"), {Key: "y"}}}
	told := func(r *rules) []string { return changes(r, &output{Record: a}, &output{Record: b}) }
	equal := func(r *rules) bool { return r.equal(&output{Record: a}, &output{Record: b}) }
	want := []string{`key: "k" → "l"`, `header:x: 2 → 3`, `header:only: "old" → `, `$:  → ""`, `header:y:  → `}
	require.Equal(t, want, told(newTestRules(plan.PairHeader)))
	require.Equal(t, want[1:], told(newTestRules(plan.PairKey)), "the key is what pairs them")

	require.False(t, equal(newTestRules(plan.PairHeader, "header:*", "$")))
	require.True(t, equal(newTestRules(plan.PairHeader, "key", "header:x", "header:*", "$")))
	r := newTestRules(plan.PairKey, "header:*", "$")
	require.True(t, equal(r), "partitions are not compared")
	r.placed = true
	require.Contains(t, told(r), "partition: 1 → 2")
	r = newTestRules(plan.PairKey, "header:*", "$", "partition")
	r.placed = true
	require.True(t, equal(r))
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", ".", "a.", "a..b", "a[", "a[x]", "a[-1]", "a]b[", `a["x`, "$x"} {
		_, err := parts(bad)
		if bad != "$x" && bad != "a]b[" || err != nil {
			require.Error(t, err, "%q", bad)
		}
	}
	p := plan.Plan{Ignore: []plan.Ignore{{Path: "a["}, {Topic: "other", Path: "b["}}}
	r := newRules(p, plan.Output{Topic: "out"})
	require.Len(t, r.faults, 1, "a path that is none is told, that of another topic is not this one's")
	require.Contains(t, r.faults[0].Why, "it ignores nothing")
}

// FuzzDiff: two JSON texts are equal if and only if they say the same, and where they are not
// a place is named.
func FuzzDiff(f *testing.F) {
	for _, c := range [][2]string{
		{`{"a":[1,2.50,{"b":null}]}`, `{"a":[1,2.5,{"b":false}]}`}, {`1e400`, `1E+400`}, {`"\u00e9"`, `"é"`}, {`{"a":{},"b":[]}`, `{"b":[],"a":[]}`},
		{`[01]`, `[1]`}, {`{"a":1,"a":2}`, `{"a":2}`}, {"\xff", "\xfe"}, {`"\ud800"`, `"\udfff"`}, {`-0`, `0`}, {`{"":1}`, `[1]`},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, old, new string) {
		r := newTestRules(plan.PairValue)
		a, b := valued(old), valued(new)
		for _, o := range []*output{a, b} {
			deep := bytes.Count(o.Value, []byte("["))+bytes.Count(o.Value, []byte("{")) > maxDepth
			if is := r.scanner.scan(o.Value, &spotter{rules: r}); !deep {
				require.Equal(t, json.Valid(o.Value) && utf8.Valid(o.Value), is, "%q is JSON", o.Value)
			}
		}
		if !r.equal(a, b) {
			require.NotEmpty(t, r.diff(a, b))
		}
		require.Equal(t, r.equal(a, b), r.equal(b, a))
		require.Equal(t, a.kept, a.full, "nothing is left out")
		x, known := said(a.Value)
		y, too := said(b.Value)
		if known && too {
			require.Equal(t, x == y, r.equal(a, b), "%q and %q", old, new)
		}
	})
}

// said writes what a text says in one way; false where encoding/json can't tell.
func said(text []byte) (string, bool) {
	if !json.Valid(text) || !utf8.Valid(text) || bytes.Contains(text, []byte(`\u`)) || len(text) > 400 {
		return "", false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return "", false
	}
	names := 0
	v, ok := plainly(v, &names)
	if !ok || names != strings.Count(stripped(text), ":") {
		return "", false // a name twice
	}
	out, err := json.Marshal(v)
	return string(out), err == nil
}

// plainly writes numbers as fractions and counts names.
func plainly(v any, names *int) (any, bool) {
	ok := true
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), "eE") {
			return nil, false // may be larger than any memory
		}
		n, fine := new(big.Rat).SetString(v.String())
		return map[string]string{"number": n.String()}, fine
	case []any:
		for i := range v {
			var fine bool
			v[i], fine = plainly(v[i], names)
			ok = ok && fine
		}
	case map[string]any:
		for k := range v {
			*names++
			var fine bool
			v[k], fine = plainly(v[k], names)
			ok = ok && fine
		}
	}
	return v, ok
}

// stripped takes the texts out of JSON.
func stripped(text []byte) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case inside && text[i] == '\\':
			i++
		case text[i] == '"':
			inside = !inside
		case !inside:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
