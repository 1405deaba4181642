package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
	"gantry/pipeline/deliver"
	"gantry/pipeline/filter"
	"gantry/pipeline/invoke"
	"gantry/record"
)

// player carries out the directives of one case:
//
//	topic N                        partitions, 2 unless given; the first line if at all
//	produce P COUNT [size=N] [age=D] [null] [value=TEXT] [filtered] [keys=a,b,-]
//	                               keys are used in turn, - is none
//	mapping WORDS                  see option; changes what runs when it runs already
//	functions NAME[=FILTER] …      the functions of the mapping, each with a witness of its own
//	function WHAT WHERE [times=N]  the first rule that fits an event answers it; see rule
//	destination fail times=N       the next N dead letters are refused (-1: until healed)
//	destination heal
//	concurrency N                  the function's reserved concurrency
//	run D                          let time pass
//	stop | kill | start            the process
type player struct {
	t       *testing.T
	r       *rig.Rig
	p       *rig.Process
	m       mapping.Mapping
	gate    *invoke.Gate
	written map[int32]int // values are numbered by partition

	mu      sync.Mutex
	rules   []*rule
	calls   []call
	letters []string
	refuse  int
	flying  int
	most    int // events under way at once, at most
	dropped int64

	keep     map[string]*filter.Set // of each function
	filtered bool                   // what is produced now is filtered out
}

// play runs the directives of a case and gives its text with what happened.
func play(t *testing.T, text string) string {
	pl := &player{t: t, m: fresh(), gate: invoke.NewGate(-1), written: map[int32]int{}, keep: map[string]*filter.Set{}}
	var out strings.Builder
	answering := false
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case line == "----":
			answering = true
			out.WriteString("----\n" + pl.report())
			continue
		case line == "":
			answering = false
		case answering:
			continue
		case !strings.HasPrefix(line, "case ") && !strings.HasPrefix(line, "#"):
			pl.do(line)
		}
		out.WriteString(line + "\n")
	}
	pl.stop()
	pl.r.Check(t)
	return out.String()
}

func fresh() mapping.Mapping {
	window := 100 * time.Millisecond
	return mapping.Mapping{
		UUID: "11111111-1111-1111-1111-111111111111", GroupID: rig.Group, Source: mapping.Source{Topics: []string{rig.Topic}},
		Functions: []mapping.Consumer{{Function: "f"}}, Enabled: true,
		BatchSize: 100, Window: &window, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
	}
}

func (pl *player) do(line string) {
	words := strings.Fields(line)
	if words[0] == "topic" {
		pl.open(int32(pl.number(words[1])))
		return
	}
	if pl.r == nil {
		pl.open(2)
	}
	switch words[0] {
	case "produce":
		pl.produce(words[1:])
	case "mapping":
		for _, w := range words[1:] {
			option(pl.t, &pl.m, w)
		}
		pl.r.Partial = pl.r.Partial || pl.m.PartialAnswers
		pl.change()
	case "functions":
		pl.functions(words[1:])
		pl.change()
	case "function":
		pl.mu.Lock()
		pl.rules = append(pl.rules, parseRule(pl.t, words[1:]))
		pl.mu.Unlock()
	case "functions-forget":
		pl.mu.Lock()
		pl.rules = nil
		pl.mu.Unlock()
	case "destination":
		pl.mu.Lock()
		pl.refuse = 0
		if words[1] == "fail" {
			pl.refuse = pl.number(strings.TrimPrefix(words[2], "times="))
		}
		pl.mu.Unlock()
	case "concurrency":
		pl.gate.SetLimit(pl.number(words[1]))
	case "run":
		pl.start()
		time.Sleep(pl.duration(words[1]))
		synctest.Wait()
	case "start":
		pl.start()
	case "stop":
		pl.stop()
	case "kill":
		pl.p.Kill()
		pl.p = nil
	default:
		pl.t.Fatalf("no directive %q", line)
	}
}

func (pl *player) change() {
	if pl.p != nil {
		pl.p.Change(pl.m)
	}
}

// functions gives the mapping other functions. The witness of one that stays goes on.
func (pl *player) functions(words []string) {
	var now []mapping.Consumer
	for _, w := range words {
		name, pattern, filtered := strings.Cut(w, "=")
		c := mapping.Consumer{Function: name}
		if filtered {
			c.Filters = []string{pattern}
		}
		now = append(now, c)
	}
	is := func(list []mapping.Consumer, name string) bool {
		return slices.ContainsFunc(list, func(c mapping.Consumer) bool { return c.Function == name })
	}
	for _, c := range now {
		keep, err := filter.CompileAll(c.Filters)
		require.NoError(pl.t, err)
		pl.keep[c.Function] = keep
		if !is(pl.m.Functions, c.Function) {
			pl.r.Watch(c.Function, func(r *kgo.Record) bool { return pl.keep[c.Function].Keep(&record.Record{Value: r.Value}) })
		}
	}
	for _, c := range pl.m.Functions {
		if !is(now, c.Function) {
			pl.r.Leave(c.Function)
		}
	}
	pl.m.Functions = now
}

func (pl *player) open(partitions int32) {
	pl.r = rig.New(pl.t, partitions)
	pl.r.Keep = func(*kgo.Record) bool { return !pl.filtered }
}

// busy counts the events under way.
func (pl *player) busy(n int) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.flying += n
	pl.most = max(pl.most, pl.flying)
}

func (pl *player) start() {
	if pl.p != nil {
		return
	}
	pl.p = pl.r.Start(rig.Spec{Mapping: pl.m, Answer: pl.answer, Deliver: pl, Gate: pl.gate})
}

func (pl *player) stop() {
	if pl.p != nil {
		require.NoError(pl.t, pl.p.Stop())
		pl.p = nil
	}
}

func (pl *player) number(s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(pl.t, err)
	return n
}

func (pl *player) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	require.NoError(pl.t, err)
	return d
}

func (pl *player) produce(words []string) {
	partition := int32(pl.number(words[0]))
	now, size, value, keys := time.Now(), 0, "", []string{"k"}
	pl.filtered = false
	null := false
	for _, w := range words[2:] {
		switch key, v, _ := strings.Cut(w, "="); key {
		case "size":
			size = pl.number(v)
		case "age":
			now = now.Add(-pl.duration(v))
		case "value":
			value = v
		case "keys":
			keys = strings.Split(v, ",")
		case "null":
			null = true
		case "filtered":
			pl.filtered = true
		default:
			pl.t.Fatalf("produce: no word %q", w)
		}
	}
	var records []*kgo.Record
	for i := range pl.number(words[1]) {
		v := value
		if v == "" {
			v = fmt.Sprintf(`{"n":%d,"pad":"%s"}`, pl.written[partition], strings.Repeat("x", size))
		}
		rec := &kgo.Record{Partition: partition, Timestamp: now}
		if key := keys[i%len(keys)]; key != "-" {
			rec.Key = []byte(key)
		}
		if !null {
			rec.Value = []byte(v)
		}
		pl.written[partition]++
		records = append(records, rec)
	}
	pl.r.Produce(records...)
}

// option sets what one word of a mapping line names.
func option(t *testing.T, m *mapping.Mapping, word string) {
	key, v, _ := strings.Cut(word, "=")
	number := func() int { n, err := strconv.Atoi(v); require.NoError(t, err); return n }
	duration := func() time.Duration { d, err := time.ParseDuration(v); require.NoError(t, err); return d }
	switch key {
	case "batch":
		m.BatchSize = number()
	case "window":
		m.Window = nil
		if v != "unset" {
			d := duration()
			m.Window = &d
		}
	case "attempts":
		m.RetryAttempts = number()
	case "age":
		m.RecordAge = duration()
	case "lanes":
		m.Lanes.PerPartition = number()
	case "order":
		m.Lanes.Order = mapping.Order(v)
	case "bisect":
		m.Bisect = true
	case "partial":
		m.PartialAnswers = true
	case "destination":
		m.OnFailure = "kafka://dead"
	case "no-destination":
		m.OnFailure = ""
	case "oversize-drop":
		m.OversizeDrop = true
	case "destination-failure-drop":
		m.DestinationFailureDrop = true
	case "pollers":
		m.Pollers = &mapping.Pollers{Minimum: 1, Maximum: number()}
	case "filter":
		m.Functions = []mapping.Consumer{{Function: "f", Filters: []string{v}}}
	default:
		t.Fatalf("mapping: no word %q", word)
	}
}

// Deliver implements pipeline.Deliverer.
func (pl *player) Deliver(_ context.Context, l deliver.Letter) error {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.refuse != 0 {
		pl.refuse = max(-1, pl.refuse-1)
		return errors.New("the destination is told to fail")
	}
	pl.letters = append(pl.letters, fmt.Sprintf("dead letter %d/%d %s, invoked %s", l.Partition.Index, l.Record.Offset, l.Condition, count(l.Invoked)))
	return nil
}

// report says what happened since the last report.
func (pl *player) report() string {
	pl.mu.Lock()
	calls, letters, most := pl.calls, pl.letters, pl.most
	pl.calls, pl.letters, pl.most = nil, nil, 0
	pl.mu.Unlock()
	var out strings.Builder
	out.WriteString(story(calls, pl.m.Lanes))
	slices.Sort(letters)
	for _, l := range letters {
		out.WriteString(l + "\n")
	}
	if most > 1 {
		fmt.Fprintf(&out, "at most %d at once\n", most)
	}
	if pl.p != nil {
		pl.reportLanes(&out)
	}
	committed := pl.r.Fake.Committed(rig.Group, rig.Topic)
	var at []string
	for p := range int32(16) {
		if o, ok := committed[p]; ok {
			at = append(at, fmt.Sprintf("%d/%d", p, o))
		}
	}
	fmt.Fprintf(&out, "committed %s\n", strings.Join(at, " "))
	return out.String()
}

func (pl *player) reportLanes(out *strings.Builder) {
	if n := pl.p.Pipe.Counts().Dropped.Load(); n != pl.dropped {
		fmt.Fprintf(out, "given up %d\n", n-pl.dropped)
		pl.dropped = n
	}
	s := pl.p.Pipe.Snapshot()
	slices.SortFunc(s.Lanes, func(a, b pipelineLane) int { return int(a.Partition.Index - b.Partition.Index) })
	for _, l := range s.Lanes {
		for _, st := range l.Stands {
			if st.Since.IsZero() {
				continue
			}
			of := ""
			if len(l.Readers) > 0 {
				of = " for " + st.Function
			}
			fmt.Fprintf(out, "partition %d stands at %d%s: %s\n", l.Partition.Index, st.At, of, st.Detail)
		}
		if l.Span.Full {
			fmt.Fprintf(out, "partition %d takes no more before %d is resolved\n", l.Partition.Index, l.Resume)
		}
		if l.Changing {
			fmt.Fprintf(out, "partition %d has other lanes when what is in hand is resolved\n", l.Partition.Index)
		}
	}
	// With several lanes at work it is chance whose invocation was the last.
	if s.Result != mapping.OK && len(pl.written) == 1 && pl.m.Lanes.PerPartition < 2 {
		fmt.Fprintf(out, "result %s\n", s.Result)
	}
}

// answer is the function of the case.
func (pl *player) answer(ctx context.Context, c rig.Call) function.Outcome {
	pl.mu.Lock()
	n := len(pl.calls)
	pl.calls = append(pl.calls, call{c, "under way"})
	var out function.Outcome
	var wait time.Duration
	said := "ok"
	if i := slices.IndexFunc(pl.rules, func(r *rule) bool { return r.fits(c) }); i >= 0 {
		out, wait, said = pl.rules[i].use(c)
	} else {
		out = rig.OK()
	}
	pl.mu.Unlock()
	if wait > 0 {
		pl.busy(1)
		defer pl.busy(-1)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			out, said = function.Outcome{Class: function.Unknown, Message: "cut"}, "cut"
		}
	}
	pl.mu.Lock()
	if n < len(pl.calls) && pl.calls[n].said == "under way" {
		pl.calls[n].said = said
	}
	pl.mu.Unlock()
	return out
}
