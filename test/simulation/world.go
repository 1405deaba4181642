package simulation

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/rig"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/deliver"
	"gantry/pipeline/encode"
)

// world is one run: a mapping, its records and up to two processes that work on it.
type world struct {
	t      *testing.T
	r      *rig.Rig
	draw   *rand.Rand        // of the plan; belongs to the goroutine of the run
	moods  map[string]*moods // of each function
	fan    []consumer        // with several functions: all there may be
	m      mapping.Mapping
	dead   *deliver.Topic
	parts  int32
	filter bool

	running  map[string]*rig.Process
	upheaval int // how often a member came or went, by will or by fault
	count    int
	undo     []func() // ends the faults that last
}

// The names of the processes, which are their static member ids as well.
const (
	first  = "one"
	second = "two"
)

const deadLetters = "dead"

func newWorld(t *testing.T, seed uint64) *world {
	draw := rand.New(rand.NewPCG(seed, 1))
	w := &world{t: t, draw: draw, parts: 1 + draw.Int32N(4), running: map[string]*rig.Process{}}
	w.r = rig.New(t, w.parts)
	w.drawFunctions(seed)
	require.NoError(t, w.r.Fake.CreateTopic(deadLetters, 1, nil))
	w.mapping()
	w.r.Partial, w.r.Span = w.m.PartialAnswers, span
	w.r.Keep = func(r *kgo.Record) bool { return !w.filter || !filteredOut(r.Value) }
	w.moods = map[string]*moods{"f": {draw: rand.New(rand.NewPCG(seed, 2)), partial: w.m.PartialAnswers, answers: w.m.Output != nil}}
	w.useFan(seed)
	w.dead = &deliver.Topic{
		Name: deadLetters, Producer: rig.Producer{Client: w.r.Fake.NewHost().Client(t)},
		Encoder: encode.New(encode.Envelope{EventSource: mapping.SelfManagedType, Bootstrap: "b:9092"}),
	}
	t.Logf("%d partitions, batch %d, window %s, attempts %d, age %s, bisect %v, partial %v, destination %q, filter %v, lanes %+v, output %+v, functions %+v",
		w.parts, w.m.BatchSize, w.m.Window, w.m.RetryAttempts, w.m.RecordAge, w.m.Bisect, w.m.PartialAnswers, w.m.OnFailure, w.filter, w.m.Lanes, w.m.Output, w.m.Functions)
	return w
}

// mapping draws the controls.
func (w *world) mapping() {
	d := w.draw
	window := []time.Duration{0, 100 * time.Millisecond, 2 * time.Second}[d.IntN(3)]
	w.m = mapping.Mapping{
		UUID: "11111111-1111-1111-1111-111111111111", GroupID: rig.Group, Source: mapping.Source{Topics: []string{rig.Topic}},
		Functions: []mapping.Consumer{{Function: "f"}}, Enabled: true, Window: &window,
		BatchSize:      []int{1, 3, 10, 100}[d.IntN(4)],
		RetryAttempts:  []int{mapping.Endless, mapping.Endless, 0, 1, 5}[d.IntN(5)],
		RecordAge:      []time.Duration{mapping.Endless, mapping.Endless, time.Minute}[d.IntN(3)],
		Bisect:         d.IntN(2) == 0,
		PartialAnswers: d.IntN(2) == 0,
		SessionTimeout: 10 * time.Second,
	}
	if d.IntN(2) == 0 {
		w.m.OnFailure = "kafka://" + deadLetters
	}
	w.drawOutput()
	w.m.Lanes = w.drawLanes()
	if w.filter = d.IntN(4) == 0; w.filter {
		w.m.Functions[0].Filters = []string{oddOnly(false)}
	}
}

// drawLanes gives most runs several lanes. A partition whose answers are in transactions
// has one.
func (w *world) drawLanes() mapping.Lanes {
	if w.m.Transactional() {
		return mapping.Lanes{}
	}
	return []mapping.Lanes{
		{}, {PerPartition: 2, Order: mapping.OrderKey}, {PerPartition: 4}, {PerPartition: 16, Order: mapping.OrderKey},
		{PerPartition: 3, Order: mapping.OrderNone},
	}[w.draw.IntN(5)]
}

// span is the bound of the uncommitted span: no less than a batch, and much less than what
// a run has.
const span = 120

func filteredOut(value []byte) bool { return string(value[:11]) == `{"odd":true` }

// quiet is how long the last records have. The in-memory cluster forgets a member whose
// session ends while its join or sync waits, and never answers it: such a member joins
// again when its request times out, behind the rebalance timeout of 14 min 30 s, and there
// may be two of them in a row. A real broker lets those who wait live, and lets those go
// that died during a rebalance (TestADeathDuringARebalance in test/fault).
const quiet = 45 * time.Minute

// run lets the plan happen, then ends every fault and waits for the last record.
func (w *world) run() {
	w.produce(5)
	w.start(first)
	for range 8 + w.draw.IntN(16) {
		w.step()
		w.pass(8 * time.Second)
	}
	w.calm()
	for end := time.Now().Add(quiet); time.Now().Before(end) && (!w.settled() || !w.closed()); {
		time.Sleep(3 * time.Second)
	}
	synctest.Wait()
	w.verdict()
	for _, p := range w.running {
		if err := p.Stop(); err != nil {
			w.t.Errorf("stop: %v", err)
		}
	}
	if w.m.Output != nil && w.settled() {
		w.r.CheckOutputs(w.t, w.m.Transactional())
	}
	w.r.Check(w.t)
	time.Sleep(10 * time.Second) // a slow broker holds a request for as long as it was told
}

// pass lets up to most go by, on the bubble's clock.
func (w *world) pass(most time.Duration) { time.Sleep(time.Duration(w.draw.Int64N(int64(most)))) }

// standStill is a process that does nothing for a while, on the bubble's clock.
func standStill(d time.Duration) { time.Sleep(d) }

// calm ends the faults: functions are well, brokers answer, somebody works.
func (w *world) calm() {
	w.t.Logf("%s calm", time.Now().Format(time.TimeOnly))
	for _, m := range w.moods {
		m.calm()
	}
	for _, end := range w.undo {
		end()
	}
	w.m.OversizeDrop = true // a record the target found too large waits for its owner's word
	for _, p := range w.running {
		p.Change(w.m)
	}
	if len(w.running) == 0 {
		w.start(first)
	}
}

// settled says whether the group has committed to the end of every partition.
func (w *world) settled() bool {
	committed := w.r.Fake.Committed(rig.Group, rig.Topic)
	for p := range w.parts {
		if committed[p] != w.r.Fake.PartitionInfo(rig.Topic, p).HighWatermark {
			return false
		}
	}
	return true
}

func (w *world) verdict() {
	if !w.settled() {
		w.t.Errorf("the group stands at %v", w.r.Fake.Committed(rig.Group, rig.Topic))
		for name, p := range w.running {
			w.t.Errorf("process %s: %+v", name, p.Pipe.Snapshot())
		}
	}
	for _, witness := range w.r.Witnesses() {
		for p := range w.parts {
			for _, e := range witness.Entries(p) {
				if e.Fate == rig.Unresolved {
					w.t.Errorf("%s%d/%d is lost: handed over %d times", witness.Name(), p, e.Offset, e.Handed)
				}
				if e.Successes > 1+w.upheaval {
					w.t.Errorf("%s%d/%d succeeded %d times, %d times a member came or went", witness.Name(), p, e.Offset, e.Successes, w.upheaval)
				}
			}
		}
	}
}

func (w *world) produce(most int) {
	var records []*kgo.Record
	for range 1 + w.draw.IntN(most*int(w.parts)) {
		value := fmt.Sprintf(`{"odd":%v,"n":%d}`, w.count%2 == 1, w.count)
		if w.draw.IntN(8) == 0 {
			value = `{"odd":false,"poison":true}`
		}
		r := &kgo.Record{Partition: w.draw.Int32N(w.parts), Value: []byte(value), Timestamp: time.Now()}
		if key := w.draw.IntN(12); key > 0 {
			r.Key = fmt.Appendf(nil, "key %d", key)
		}
		records = append(records, r)
		w.count++
	}
	w.r.Produce(records...)
}

func (w *world) start(name string) {
	w.upheaval++
	var p atomic.Pointer[rig.Process]
	p.Store(w.r.Start(rig.Spec{Name: name, Mapping: w.m, Answer: w.answer, Deliver: w.dead, Timeout: 5 * time.Second, AsideOfJoins: true,
		Span: pipeline.Bound{Records: span, Bytes: 1 << 20}, Between: w.moods["f"].between(&p)}))
	w.running[name] = p.Load()
}
