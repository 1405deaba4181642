package ruler

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/filter"
	"gantry/record"
)

// knownDifferences picks the disagreements that are the Ruler's mistakes. Most come from
// tests that get in each other's way where they share a state machine, so the proof is
// a second round of questions: each choice of one $or alternative and one entry of each
// list by itself. A pattern is the OR of these, and the Ruler then agrees with gantry.
func knownDifferences(t *testing.T, o oracle, r *rand.Rand, wrong []*trial) map[*trial]bool {
	known := map[*trial]bool{}
	var questions []question
	var of []*trial
	for _, tr := range wrong {
		if tr.gantry == refused || tr.ruler == refused {
			known[tr] = tr.ruler != refused && lateFault(tr.why)
			continue
		}
		for _, q := range tr.apart(r) {
			questions, of = append(questions, q), append(of, tr)
		}
	}
	matched := map[*trial]bool{}
	for i, answer := range o.ask(t, questions) {
		require.Contains(t, []string{"true", "false"}, answer, "%+v", questions[i])
		matched[of[i]] = matched[of[i]] || answer == "true"
	}
	for _, tr := range of {
		known[tr] = matched[tr] == (tr.gantry == keep)
	}
	return known
}

// apart asks about each choice of a pattern by itself, and around two other mistakes:
// that a number is taken for the hex digits of an address, and that the index by array
// element hides what repeated names put beside an array.
func (tr *trial) apart(r *rand.Rand) []question {
	pattern, event := tr.sample.pattern, tr.record
	if tr.sample.plain {
		pattern, event = pair("value", pattern), `{"value":`+quote(r, tr.record)+`}`
	}
	if tr.gantry == drop {
		event = withoutOddNumbers(event)
	}
	var all []question
	for _, choice := range pattern.expand() {
		choice = choice.clone()
		choice.guardAddresses()
		all = append(all, question{Pattern: choice.write(r), Event: event, Old: true})
	}
	return all
}

var tokens = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9eE]*`)

// withoutOddNumbers replaces numbers that can't be compared: no test but a literal of
// the same text tells them from true.
func withoutOddNumbers(event string) string {
	return tokens.ReplaceAllStringFunc(event, func(token string) string {
		f, err := strconv.ParseFloat(token, 64)
		if token[0] == '"' || err == nil && sameNumber(token, strconv.FormatFloat(f, 'g', -1, 64)) {
			return token
		}
		return "true"
	})
}

// lateFault says whether the only faults are those the Ruler does not look for and trips
// over, or not, when it builds its machine.
func lateFault(err error) bool {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		empty := strings.Contains(line, ".anything-but.") && strings.HasSuffix(line, ": the list must not be empty")
		if !empty && !strings.HasSuffix(line, ": no number fits") {
			return false
		}
	}
	return true
}

// guardAddresses adds a number that no record has to every field's list with an
// address, which makes the Ruler read numbers as numbers there.
func (t *tree) guardAddresses() {
	for _, m := range t.members {
		if !m.list {
			m.guardAddresses()
			continue
		}
		if e := m.members[0]; len(e.names) == 1 && e.names[0] == "cidr" || strings.ContainsAny(e.text, ".:") {
			m.members = append(m.members, scalar("-77.0625"))
		}
	}
}

// TestKnownDifferences shows where gantry does not follow the Ruler, and that the Ruler
// still answers so: an entry that no longer differs must go.
func TestKnownDifferences(t *testing.T) {
	o := openOracle(t)
	cases := []struct{ name, pattern, record, ruler string }{
		{"an $or alternative that shares a value with one before is lost",
			`{"$or":[{"a":["x"]},{"a":["x","y"]}]}`, `{"a":"y"}`, "false"},
		{"a wildcard beside a prefix that ignores case lets the prefix begin anywhere",
			`{"a":[{"wildcard":"*\u0000*log*\"*ABC"},{"prefix":{"equals-ignore-case":"ab\tc"}}]}`, `{"a":"line\nbreakab\tc"}`, "true"},
		{"an anything-but of nothing is taken behind another entry, gantry refuses it",
			`{"a":["x",{"anything-but":{"prefix":[]}}]}`, `{"a":"x"}`, "true"},
		{"a value beside an array is overlooked when a repeated name puts both at one path",
			`{"e.b":["0"],"e.x":["q"]}`, `{"e":[{"b":"0"},{"x":"r"}],"e":{"x":"q"}}`, "false"},
		{"a number is read as the hex digits of an address",
			`{"a":[{"cidr":"16.0.0.0/8"}]}`, `{"a":105}`, "true"},
		{"an address is read as a number",
			`{"a":[{"cidr":"10.0.0.0/8"},10000001]}`, `{"a":"16.0.0.1"}`, "true"},
		{"characters beyond 16 bits are two question marks where case is ignored",
			`{"a":[{"equals-ignore-case":"😀"}]}`, `{"a":"😀"}`, "false"},
		{"and two question marks are such a character",
			`{"a":[{"equals-ignore-case":"😀"}]}`, `{"a":"??"}`, "true"},
		{"half a surrogate pair is a question mark",
			`{"a":[{"prefix":"\ud800"}]}`, `{"a":"?"}`, "true"},
	}
	var questions []question
	for _, c := range cases {
		questions = append(questions, question{Pattern: c.pattern, Event: c.record})
	}
	answers := o.ask(t, questions)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.ruler, answers[i])
			p, err := filter.Compile(`{"value":` + c.pattern + `}`)
			if err == nil {
				require.NotEqual(t, c.ruler == "true", filter.NewSet(p).Keep(&record.Record{Value: []byte(c.record)}))
			}
		})
	}
}
