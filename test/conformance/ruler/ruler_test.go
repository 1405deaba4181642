package ruler

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/filter"
	"gantry/record"
)

// verdict is what one side says of a pair.
type verdict string

const (
	refused verdict = "refused"
	keep    verdict = "keep"
	drop    verdict = "drop"
)

// trial is one pair, with gantry's verdict and, once it was asked, the Ruler's.
type trial struct {
	sample *sample
	record string
	gantry verdict
	why    error // of a refusal
	ruler  verdict
	format bool // the format rule decides, the Ruler is asked about the pattern only
}

func TestAgainstEventRuler(t *testing.T) {
	o := openOracle(t)
	seed, pairs := corpus(t)
	g := newGenerator(t, o, seed)
	trials := generate(g, pairs)
	askRuler(t, o, trials)

	counts := map[string]*count{}
	var wrong []*trial
	for i := range trials {
		trials[i].count(counts)
		if trials[i].gantry != trials[i].ruler {
			wrong = append(wrong, &trials[i])
		}
	}
	known := knownDifferences(t, o, g.r, wrong)
	t.Logf("seed %d, %d pairs, %d of them differ in known ways (TestKnownDifferences)\n%s", seed, len(trials), len(known), table(counts))
	require.Less(t, len(known), max(2, len(trials)/1000), "too many known differences, something else hides among them")
	report(t, seed, wrong, known)
	checkCorpus(t, counts, len(trials))
}

func corpus(t *testing.T) (seed uint64, pairs int) {
	seed, pairs = 1, 20_000
	if full() {
		pairs = 60_000
	}
	if s := os.Getenv("GANTRY_TEST_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "GANTRY_TEST_SEED")
	}
	return seed, pairs
}

func generate(g *generator, pairs int) []trial {
	var trials []trial
	for i := 0; len(trials) < pairs; i++ {
		s := g.sample(i)
		if len(s.text) > 4000 {
			continue
		}
		for _, rec := range s.records {
			trials = append(trials, newTrial(&s, rec))
		}
	}
	return trials
}

// newTrial asks gantry the way `gantry filter` does: a whole pattern, a record's value.
func newTrial(s *sample, rec string) trial {
	tr := trial{sample: s, record: rec, format: !fits(s, rec)}
	p, err := filter.Compile(`{"value":` + s.text + `}`)
	switch {
	case err != nil:
		tr.gantry, tr.why = refused, err
	case filter.NewSet(p).Keep(&record.Record{Value: []byte(rec)}):
		tr.gantry = keep
	default:
		tr.gantry = drop
	}
	return tr
}

// fits says whether a record has the format its pattern is for, by another JSON reader
// than the filter's.
func fits(s *sample, rec string) bool {
	if s.plain {
		return !valid(rec)
	}
	return valid(rec) && strings.HasPrefix(strings.TrimLeft(rec, " \t\r\n"), "{")
}

// askRuler gives it what stands inside value, on the parsed value. For a plain string
// that is a field, since the Ruler's events are objects.
func askRuler(t *testing.T, o oracle, trials []trial) {
	questions := make([]question, len(trials))
	for i, tr := range trials {
		questions[i] = question{Pattern: tr.sample.text, Event: tr.record}
		switch {
		case tr.sample.plain:
			text, err := json.Marshal(tr.record)
			require.NoError(t, err)
			questions[i] = question{Pattern: `{"value":` + tr.sample.text + `}`, Event: `{"value":` + string(text) + `}`}
		case tr.format:
			questions[i].Event = "{}"
		}
	}
	for i, answer := range o.ask(t, questions) {
		tr := &trials[i]
		switch {
		case rejected(answer):
			tr.ruler = refused
		case tr.format || answer == "true":
			tr.ruler = keep
		case answer == "false":
			tr.ruler = drop
		default:
			t.Fatalf("the Ruler does not take the event %s: %s", tr.record, answer)
		}
	}
}

func report(t *testing.T, seed uint64, wrong []*trial, known map[*trial]bool) {
	shown := 0
	for _, tr := range wrong {
		if known[tr] {
			continue
		}
		if shown++; shown <= 15 {
			t.Errorf("gantry says %s, the Event Ruler %s (%s)\npattern {\"value\":%s}\nrecord  %s",
				tr.gantry, tr.ruler, strings.Join(tr.sample.kinds, ", "), tr.sample.text, tr.record)
		}
	}
	if shown > 0 {
		t.Errorf("%d pairs disagree; GANTRY_TEST_SEED=%d makes them again", shown, seed)
	}
}

// count is how often an operator or a structure was tried, and what came of it.
type count struct{ pairs, keep, drop, refused, format int }

func (tr *trial) count(counts map[string]*count) {
	for _, kind := range tr.sample.kinds {
		c := counts[kind]
		if c == nil {
			c = new(count)
			counts[kind] = c
		}
		c.pairs++
		switch {
		case tr.gantry == refused:
			c.refused++
		case tr.format:
			c.format++
		case tr.gantry == keep:
			c.keep++
		default:
			c.drop++
		}
	}
}

func table(counts map[string]*count) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%-34s %7s %7s %7s %8s %8s\n", "", "pairs", "match", "none", "refused", "format")
	for _, name := range names {
		c := counts[name]
		fmt.Fprintf(&b, "%-34s %7d %7d %7d %8d %8d\n", name, c.pairs, c.keep, c.drop, c.refused, c.format)
	}
	return b.String()
}

// checkCorpus fails when the corpus proves little for an operator.
func checkCorpus(t *testing.T, counts map[string]*count, pairs int) {
	expected := []string{"plain string"}
	for _, o := range operators() {
		expected = append(expected, o.name)
	}
	for _, s := range structures() {
		expected = append(expected, s.name)
	}
	least := pairs / 200
	for _, name := range expected {
		c := counts[name]
		if c == nil || c.pairs < least {
			t.Errorf("%s: %+v, at least %d pairs are wanted", name, c, least)
			continue
		}
		if c.keep < c.pairs/50 || c.drop < c.pairs/50 {
			t.Errorf("%s: %+v, the answers are too much alike", name, *c)
		}
	}
	for _, name := range []string{"mutated", "cidr v4", "cidr v6", "numeric range"} {
		if c := counts[name]; c == nil || c.refused == 0 {
			t.Errorf("%s: %+v, no pattern was refused", name, c)
		}
	}
	if c := counts["format"]; c == nil || c.format == 0 {
		t.Errorf("no record with another format than its pattern's")
	}
}
