package ruler

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/filter"
	"gantry/record"
)

// knownDifferences picks the disagreements that are the Ruler's mistakes, each proven by
// a second question that goes around the mistake and is answered as gantry does.
func knownDifferences(t *testing.T, o oracle, r *rand.Rand, wrong []*trial) map[*trial]bool {
	known := map[*trial]bool{}
	var questions []question
	var of []*trial
	for _, tr := range wrong {
		switch {
		case tr.gantry == refused && tr.sample.pattern.repeats() && lateFault(tr.why):
			known[tr] = true
		case tr.gantry == keep && tr.ruler == drop && !tr.sample.plain:
			for _, alternative := range tr.sample.pattern.expand() {
				questions = append(questions, question{Pattern: alternative.write(r), Event: tr.record})
				of = append(of, tr)
			}
		case tr.gantry == drop && tr.ruler == keep && !tr.sample.plain:
			guarded := tr.sample.pattern.clone()
			if guarded.guardAddresses() {
				questions = append(questions, question{Pattern: guarded.write(r), Event: tr.record})
				of = append(of, tr)
			}
		}
	}
	for i, answer := range o.ask(t, questions) {
		if answer == "true" && of[i].gantry == keep || answer == "false" && of[i].gantry == drop {
			known[of[i]] = true
		}
	}
	return known
}

// lateFault says whether the only faults are those the Ruler trips over when it builds
// its machine: it never does for a field that is given again later.
func lateFault(err error) bool {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.HasSuffix(line, ": the list must not be empty") && !strings.HasSuffix(line, ": no number fits") {
			return false
		}
	}
	return true
}

// repeats says whether an object somewhere gives a name twice.
func (t *tree) repeats() bool {
	for _, n := range t.nodes() {
		seen := map[string]bool{}
		for _, name := range n.names {
			if seen[name] {
				return true
			}
			seen[name] = true
		}
	}
	return false
}

// guardAddresses adds a number that no record has to every list with an address, which
// makes the Ruler read numbers as numbers there.
func (t *tree) guardAddresses() bool {
	found := false
	for _, n := range t.nodes() {
		if !n.list {
			continue
		}
		for _, m := range n.members {
			if len(m.names) == 1 && m.names[0] == "cidr" || strings.ContainsAny(m.text, ".:") {
				n.members = append(n.members, scalar("-77.0625"))
				found = true
				break
			}
		}
	}
	return found
}

// TestKnownDifferences shows where gantry does not follow the Ruler, and that the Ruler
// still answers so: an entry that no longer differs must go.
func TestKnownDifferences(t *testing.T) {
	o := openOracle(t)
	for _, c := range []struct{ name, pattern, record, ruler string }{
		{"an $or alternative that shares a value with one before is lost",
			`{"$or":[{"a":["x"]},{"a":["x","y"]}]}`, `{"a":"y"}`, "false"},
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
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.ruler, o.ask(t, []question{{Pattern: c.pattern, Event: c.record}})[0])
			p, err := filter.Compile(`{"value":` + c.pattern + `}`)
			require.NoError(t, err)
			require.NotEqual(t, c.ruler == "true", filter.NewSet(p).Keep(&record.Record{Value: []byte(c.record)}))
		})
	}
}
