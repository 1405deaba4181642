package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/pipeline"
	"gantry/pipeline/deliver"
	"gantry/pipeline/encode"
	"gantry/record"
)

// poison is a function that fails the records it is told to.
type poison struct {
	mu    sync.Mutex
	bad   map[string]bool // "partition/offset"
	takes time.Duration
}

func (p *poison) set(bad bool, names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bad == nil {
		p.bad = map[string]bool{}
	}
	for _, name := range names {
		p.bad[name] = bad
	}
}

func (p *poison) answer(ctx context.Context, c rig.Call) function.Outcome {
	if p.takes > 0 {
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
			return function.Outcome{Class: function.NotReached, Message: "cut"}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for partition, offsets := range c.Parts {
		for _, o := range offsets {
			if p.bad[fmt.Sprintf("%d/%d", partition, o)] {
				return rig.Fails()
			}
		}
	}
	return rig.OK()
}

func orders(partition int32) record.Partition {
	return record.Partition{Topic: rig.Topic, Index: partition}
}

func skipOf(partition int32, drop bool, spans ...pipeline.Span) pipeline.Skip {
	return pipeline.Skip{Partition: orders(partition), Offsets: spans, Drop: drop, By: "AKID: broken"}
}

func offsetsOf(v pipeline.SkipPreview) []int64 {
	var out []int64
	for _, r := range v.Records {
		out = append(out, r.Offset)
	}
	return out
}

// A poison record is dropped by its owner: it alone, and the lane runs on in its group.
func TestASkippedRecordIsGivenUpAndTheLaneRunsOn(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var f poison
		f.set(true, "0/2", "0/5")
		m := starting(map[int32]int64{0: 0})
		m.BatchSize = 3
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer})
		r.Produce(records(0, 8)...)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 0}, r.Fake.Committed(rig.Group, rig.Topic))

		_, err := p.Pipe.PreviewSkip(skipOf(0, true, pipeline.Span{First: 9, Last: 9}))
		require.ErrorIs(t, err, pipeline.ErrNotInHand)
		_, err = p.Pipe.PreviewSkip(skipOf(1, true, pipeline.Span{First: 2, Last: 2}))
		require.ErrorIs(t, err, pipeline.ErrNotHere)
		_, err = p.Pipe.PreviewSkip(skipOf(0, false, pipeline.Span{First: 2, Last: 2}))
		require.ErrorIs(t, err, pipeline.ErrNoDestination)

		both := skipOf(0, true, pipeline.Span{First: 2, Last: 2}, pipeline.Span{First: 5, Last: 5})
		v, err := p.Pipe.PreviewSkip(both)
		require.NoError(t, err)
		require.Equal(t, []int64{2, 5}, offsetsOf(v))
		require.Positive(t, v.Records[0].Attempts)
		require.Zero(t, v.Records[1].Attempts, "it waits behind the other")
		require.EqualValues(t, []int64{0, 0}, []int64{v.Resume, v.After}, "0 and 1 are not resolved by it")
		pass(time.Second)
		require.Equal(t, map[int32]int64{0: 0}, r.Fake.Committed(rig.Group, rig.Topic), "a preview changes nothing")

		wrong := both
		wrong.Token = "nobody saw this"
		_, err = p.Pipe.Skip(t.Context(), wrong)
		require.ErrorIs(t, err, pipeline.ErrChanged)
		both.Token = v.Token
		_, err = p.Pipe.Skip(t.Context(), both)
		require.NoError(t, err)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 8}, r.Fake.Committed(rig.Group, rig.Topic))
		require.Equal(t, []int64{2, 5}, fates(r, 0, rig.GivenUp))
		_, err = p.Pipe.PreviewSkip(both)
		require.ErrorIs(t, err, pipeline.ErrNotStanding)
		require.NoError(t, p.Stop())
	})
}

func fates(r *rig.Rig, partition int32, fate rig.Fate) []int64 {
	var out []int64
	for _, e := range r.Entries(partition) {
		if e.Fate == fate {
			out = append(out, e.Offset)
		}
	}
	return out
}

// A skip to the dead-letter topic resolves nothing before the topic has the letter, and
// the letter says who and why.
func TestASkippedRecordStandsUntilItsLetterIsAccepted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		require.NoError(t, r.Fake.CreateTopic("dead", 1, nil))
		var f poison
		f.set(true, "0/0")
		m := starting(map[int32]int64{0: 0})
		m.BatchSize, m.OnFailure, m.RetryAttempts = 1, "kafka://dead", 10_000
		gate := &gated{open: make(chan struct{}), to: &deliver.Topic{
			Name: "dead", Producer: rig.Producer{Client: r.Fake.NewHost().Client(t)}, Encoder: encode.New(encode.Envelope{}),
		}}
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer, Deliver: gate})
		r.Produce(records(0, 2)...)
		pass(2 * time.Second)
		s := skipOf(0, false, pipeline.Span{First: 0, Last: 0})
		v, err := p.Pipe.PreviewSkip(s)
		require.NoError(t, err)
		s.Token = v.Token
		_, err = p.Pipe.Skip(t.Context(), s)
		require.NoError(t, err)
		pass(10 * time.Second)
		require.Equal(t, map[int32]int64{0: 0}, r.Fake.Committed(rig.Group, rig.Topic), "the letter is on its way")
		close(gate.open)
		pass(60 * time.Second)
		require.Equal(t, map[int32]int64{0: 2}, r.Fake.Committed(rig.Group, rig.Topic))
		require.Equal(t, []int64{0}, fates(r, 0, rig.Delivered))
		require.NoError(t, p.Stop())
		require.Contains(t, gate.seen[0].Note, "AKID: broken")
		require.Equal(t, "Skipped", gate.seen[0].Condition)
	})
}

// gated is a destination that takes nothing until it is opened.
type gated struct {
	open chan struct{}
	to   *deliver.Topic
	mu   sync.Mutex
	seen []deliver.Letter
}

// Deliver implements pipeline.Deliverer.
func (g *gated) Deliver(ctx context.Context, l deliver.Letter) error {
	select {
	case <-g.open:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	g.mu.Lock()
	g.seen = append(g.seen, l)
	g.mu.Unlock()
	return g.to.Deliver(ctx, l)
}

// A record that is being invoked is waited for: an answer that settles it ends the matter,
// and a caller who gives up has changed nothing.
func TestASkipWaitsForAnInvocation(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		f := poison{takes: 10 * time.Second}
		f.set(true, "0/0")
		m := starting(map[int32]int64{0: 0})
		m.BatchSize = 1
		p := r.Start(rig.Spec{Mapping: m, Answer: f.answer, Timeout: time.Minute})
		r.Produce(records(0, 2)...)
		pass(15 * time.Second) // in its second attempt
		s := skipOf(0, true, pipeline.Span{First: 0, Last: 0})
		v, err := p.Pipe.PreviewSkip(s)
		require.NoError(t, err)
		require.True(t, v.InFlight)
		s.Token = v.Token
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Pipe.Skip(short, s)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		f.set(false, "0/0") // the attempt under way will succeed
		_, err = p.Pipe.Skip(t.Context(), s)
		require.ErrorIs(t, err, pipeline.ErrNotStanding)
		pass(30 * time.Second)
		require.Equal(t, []int64{0, 1}, fates(r, 0, rig.Succeeded))
		require.NoError(t, p.Stop())
	})
}

// Previews, confirmations of previews that may be long out of date, progress, failures
// and rebalances, in an order drawn from a seed. A skip that is accepted gives up exactly
// the records its preview named, from the place its preview named; one that is refused
// gives up nothing; and no commit ever passes an unresolved record (the rig's witness).
func TestASkipNeverDoesWhatItsPreviewDidNotSay(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newSkipper(t, seed).run() })
		})
	}
}

type skipper struct {
	t        *testing.T
	draw     *rand.Rand
	r        *rig.Rig
	f        poison
	running  map[string]*rig.Process
	written  [3]int64
	previews []seenSkip
	given    []string // what accepted skips named, in words
	accepted int
	refused  int
}

type seenSkip struct {
	skip pipeline.Skip
	view pipeline.SkipPreview
}

func newSkipper(t *testing.T, seed uint64) *skipper {
	return &skipper{t: t, draw: rand.New(rand.NewPCG(seed, 7)), r: rig.New(t, 3), running: map[string]*rig.Process{}}
}

func (s *skipper) run() {
	s.start("one")
	for range 60 {
		switch s.draw.IntN(8) {
		case 0, 1:
			s.produce()
		case 2:
			s.heal()
		case 3:
			s.upheaval()
		case 4, 5:
			s.preview()
		default:
			s.confirm()
		}
		time.Sleep(time.Duration(s.draw.IntN(4000)) * time.Millisecond)
	}
	s.f.mu.Lock()
	clear(s.f.bad)
	s.f.mu.Unlock()
	pass(3 * time.Minute)
	for _, p := range s.running {
		require.NoError(s.t, p.Stop())
	}
	s.r.Check(s.t)
	var given []string
	for p := range int32(3) {
		for _, o := range fates(s.r, p, rig.GivenUp) {
			given = append(given, fmt.Sprintf("%d/%d", p, o))
		}
	}
	slices.Sort(given)
	slices.Sort(s.given)
	require.Equal(s.t, slices.Compact(s.given), given, "given up is what accepted skips announced, and nothing else")
	require.Zero(s.t, s.r.Open())
	s.t.Logf("%d skips accepted, %d refused", s.accepted, s.refused)
	time.Sleep(time.Minute)
}

func (s *skipper) start(name string) {
	m := starting(map[int32]int64{0: 0, 1: 0, 2: 0})
	m.BatchSize = 1 + s.draw.IntN(4)
	m.Bisect = s.draw.IntN(2) == 0
	s.running[name] = s.r.Start(rig.Spec{Name: name, Mapping: m, Answer: s.f.answer, AsideOfJoins: true})
}

func (s *skipper) produce() {
	p := s.draw.Int32N(3)
	var rs []*kgo.Record
	for range 1 + s.draw.IntN(5) {
		if s.draw.IntN(3) == 0 {
			s.f.set(true, fmt.Sprintf("%d/%d", p, s.written[p]))
		}
		rs = append(rs, &kgo.Record{Partition: p, Value: []byte(`{}`)})
		s.written[p]++
	}
	s.r.Produce(rs...)
}

func (s *skipper) heal() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	for name := range s.f.bad {
		if s.draw.IntN(3) == 0 {
			delete(s.f.bad, name)
		}
	}
}

func (s *skipper) upheaval() {
	const name = "two"
	if p, ok := s.running[name]; ok {
		delete(s.running, name)
		require.NoError(s.t, p.Stop())
		return
	}
	s.start(name)
}

func (s *skipper) some() *rig.Process {
	if p, ok := s.running["two"]; ok && s.draw.IntN(2) == 0 {
		return p
	}
	return s.running["one"]
}

func (s *skipper) preview() {
	partition := s.draw.Int32N(3)
	first := max(0, s.written[partition]-1-s.draw.Int64N(8))
	skip := skipOf(partition, true, pipeline.Span{First: first, Last: first + s.draw.Int64N(3)})
	for _, p := range s.running {
		for _, l := range p.Pipe.Snapshot().Lanes {
			if l.Partition.Index == partition && s.draw.IntN(2) == 0 {
				skip.Offsets = []pipeline.Span{{First: l.Resume, Last: l.Resume}}
			}
		}
	}
	v, err := s.some().Pipe.PreviewSkip(skip)
	if err == nil {
		s.previews = append(s.previews, seenSkip{skip, v})
	}
}

func (s *skipper) confirm() {
	if len(s.previews) == 0 {
		return
	}
	old := s.previews[s.draw.IntN(len(s.previews))]
	if s.draw.IntN(2) == 0 {
		old = s.previews[len(s.previews)-1]
	}
	old.skip.Token = old.view.Token
	did, err := s.some().Pipe.Skip(s.t.Context(), old.skip)
	if err != nil {
		s.refused++
		return
	}
	s.accepted++
	require.Equal(s.t, offsetsOf(old.view), offsetsOf(did))
	require.Equal(s.t, []int64{old.view.Resume}, []int64{did.Resume})
	require.LessOrEqual(s.t, old.view.Resume, did.After)
	for _, o := range offsetsOf(did) {
		s.given = append(s.given, strings.TrimSpace(fmt.Sprintf("%d/%d", old.skip.Partition.Index, o)))
	}
}
