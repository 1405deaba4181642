package rig

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/deliver"
	"gantry/pipeline/encode"
	"gantry/pipeline/filter"
	"gantry/pipeline/invoke"
	"gantry/pipeline/output"
	"gantry/pipeline/poll"
	"gantry/record"
)

// Spec says how a process runs the mapping.
type Spec struct {
	Name     string // of the process; "" = "one"
	Mapping  mapping.Mapping
	Answer   Answer
	Gate     *invoke.Gate       // nil = no limit
	Deliver  pipeline.Deliverer // the destination
	Parallel int                // 0 = 8
	Budget   int64
	Span     pipeline.Bound // zero = the default
	Timeout  time.Duration  // of the function; 0 = 3 s
	Dynamic  bool           // no static membership
	Encode   output.Encoder
	Between  func() // of each transaction: its offsets are sent, its end is not
	// AsideOfJoins commits without the client's lock between commits and joins. It holds
	// that mutex across requests, and a bubble's clock stands still while a goroutine
	// waits for a mutex: a commit during a slow rebalance would hang the test for ever.
	AsideOfJoins bool
}

// Process is a member at work.
type Process struct {
	Pipe   *pipeline.Pipeline
	Poller *poll.Poller
	Host   *kafkatest.Host

	r      *Rig
	client clientOf
	spec   Spec
	enc    *encode.Encoder
	now    mapping.Mapping
	mu     sync.Mutex // guards now
	loop   context.CancelFunc
	polls  context.CancelFunc
	tx     *kafka.Transactor
	out    *kafka.Producer // nil where answers are not records
	over   sync.WaitGroup
	read   sync.WaitGroup
}

// Start joins the group on a machine of its own.
func (r *Rig) Start(s Spec) *Process {
	r.t.Helper()
	if s.Name == "" {
		s.Name = "one"
	}
	p := &Process{r: r, spec: s, Host: r.Fake.NewHost(), now: s.Mapping}
	p.enc = encode.New(encode.Envelope{EventSource: mapping.SelfManagedType, Bootstrap: "b:9092"})
	if s.Mapping.Output != nil {
		out, err := kafka.NewProducer(kafka.Cluster{Brokers: p.Host.Brokers(), Dial: p.Host.Dial})
		require.NoError(r.t, err)
		p.out = out
	}
	log := slog.New(&givenUp{Handler: slog.NewTextHandler(r.t.Output(), nil).WithAttrs([]slog.Attr{slog.String("process", s.Name)}), r: r, p: p})
	p.keeps(s.Mapping)
	set := p.settings(s.Mapping)
	p.Pipe = pipeline.New(pipeline.Config{Settings: set, KeepAnswers: s.Mapping.Transactional(), Budget: s.Budget, Span: s.Span, Log: log})
	instance := s.Name + "-" + s.Mapping.UUID
	if s.Dynamic {
		instance = ""
	}
	poller, err := poll.New(poll.Config{
		Options: append(p.Host.Options(), kgo.WithHooks(&p.client)), Dial: p.Host.Dial, Group: Group, Topics: []string{Topic}, Positions: s.Mapping.Positions,
		ReadUncommitted: s.Mapping.ReadUncommitted, Log: log,
		Membership: poll.Membership{Instance: instance, Session: s.Mapping.SessionTimeout},
	}, p.Pipe)
	require.NoError(r.t, err)
	p.Poller = poller
	p.Poller.Use(set.Keep, p.enc)
	var member pipeline.Commits = poller
	if s.AsideOfJoins {
		member = aside{r, &p.client, instance}
	}
	var commits pipeline.Committer = pipeline.Plain{Poller: member}
	if s.Mapping.Transactional() {
		p.tx = p.out.Transactor(kafka.TransactorConfig{ID: "gantry." + s.Name, Timeout: s.Mapping.Output.Expires(), Between: s.Between})
		commits = &pipeline.Transactional{Poller: member, To: p.tx, Group: Group, Instance: instance}
	}
	p.Pipe.Attach(poller, commits)
	p.launch()
	return p
}

func (p *Process) launch() {
	loop, stopLoop := context.WithCancel(context.Background())
	polls, stopPolls := context.WithCancel(context.Background())
	p.loop, p.polls = stopLoop, stopPolls
	p.over.Go(func() { p.Pipe.Run(loop) })
	p.read.Go(func() {
		if p.tx != nil {
			ready, done := context.WithTimeout(polls, 10*time.Second)
			_ = p.tx.Ready(ready)
			done()
		}
		p.Poller.Run(polls)
	})
}

func (p *Process) settings(m mapping.Mapping) pipeline.Settings {
	s := p.spec
	set := pipeline.Settings{Mapping: m, Sizer: p.enc, Keep: p.filter(m)}
	for _, c := range m.Functions {
		set.Consumers = append(set.Consumers, p.consumer(m, c.Function))
	}
	if m.Output != nil {
		set.Output = &output.Stage{Output: *m.Output, Topics: output.Kafka{Producer: p.out}, Writer: output.Kafka{Producer: p.out}, Encode: s.Encode}
	}
	if m.OnFailure != "" && m.Transactional() {
		set.Letters = keptLetters{s.Deliver.(*deliver.Topic), p.r.Witness}
	}
	return set
}

func (p *Process) consumer(m mapping.Mapping, name string) pipeline.Consumer {
	s, w := p.spec, p.r.witness(name)
	c := pipeline.Consumer{
		Name: name, Gate: s.Gate, Timeout: s.Timeout, Parallel: s.Parallel, Partial: m.PartialAnswers,
		Caller: &invoke.Caller{Encoder: p.enc, Invoker: &invoker{s.Name, name, w, s.Answer, p.partial}},
	}
	if c.Gate == nil {
		c.Gate = invoke.NewGate(-1)
	}
	if c.Timeout == 0 {
		c.Timeout = function.DefaultTimeout
	}
	if c.Parallel == 0 {
		c.Parallel = 8
	}
	if m.OnFailure != "" {
		c.Deliver = witnessed{s.Deliver, w}
	}
	return c
}

// filter joins the filters of the functions as the engine does.
func (p *Process) filter(m mapping.Mapping) poll.Filter {
	var sets []*filter.Set
	for _, c := range m.Functions {
		keep, err := filter.CompileAll(c.Filters)
		require.NoError(p.r.t, err)
		sets = append(sets, keep)
	}
	if len(sets) == 1 {
		return sets[0]
	}
	return filter.NewFan(sets...)
}

// keeps says to the witnesses what order the process keeps.
func (p *Process) keeps(m mapping.Mapping) {
	for _, w := range p.r.Witnesses() {
		w.keeps(m.Lanes.InForce().Order)
	}
}

func (p *Process) mapping() mapping.Mapping {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *Process) partial() bool { return p.mapping().PartialAnswers }

// Change gives the running mapping other settings.
func (p *Process) Change(m mapping.Mapping) {
	p.mu.Lock()
	p.now = m
	p.mu.Unlock()
	p.keeps(m)
	set := p.settings(m)
	p.Poller.Use(set.Keep, p.enc)
	p.Pipe.Update(set)
}

// Stop ends the process as its owner would: drain, commit, leave.
func (p *Process) Stop() error {
	p.polls()
	p.read.Wait()
	err := p.Poller.Close(context.Background())
	p.loop()
	p.over.Wait()
	p.closeProducer()
	return err
}

func (p *Process) closeProducer() {
	if p.tx != nil {
		p.tx.Close()
	}
	if p.out != nil {
		p.out.Close()
	}
}

// Kill ends it as a power cut would: its cable is cut, nothing is committed, nobody is
// told. What it leaves in memory is cleared away without the cluster noticing.
func (p *Process) Kill() {
	p.Host.Cut()
	p.loop()
	p.over.Wait()
	p.polls()
	p.read.Wait()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Poller.Close(gone)
	p.closeProducer()
}

// witnessed notes each letter that its destination has taken.
type witnessed struct {
	to pipeline.Deliverer
	w  *Witness
}

// Deliver implements pipeline.Deliverer.
func (d witnessed) Deliver(ctx context.Context, l deliver.Letter) error {
	err := d.to.Deliver(ctx, l)
	if err == nil {
		d.w.ended(l.Partition.Index, Delivered, func(e *Entry) bool { return e.Offset == l.Record.Offset })
	}
	return err
}

// keptLetters makes dead letters records of the transaction.
type keptLetters struct {
	topic *deliver.Topic
	w     *Witness
}

// Letter implements pipeline.Letters.
func (k keptLetters) Letter(ctx context.Context, l deliver.Letter) (record.Output, error) {
	var kept keptLetter
	topic := *k.topic
	topic.Producer = &kept
	if err := topic.Deliver(ctx, l); err != nil {
		return record.Output{}, err
	}
	k.w.ended(l.Partition.Index, Delivered, func(e *Entry) bool { return e.Offset == l.Record.Offset })
	return kept.Output, nil
}

// keptLetter is the one record that a letter becomes.
type keptLetter struct{ record.Output }

// Produce implements deliver.Producer.
func (k *keptLetter) Produce(_ context.Context, m deliver.Message) error {
	k.Output = record.Output{Topic: m.Topic, Partition: record.ByKey, Key: m.Key, Value: m.Value, Headers: m.Headers}
	return nil
}

// Producer lets a dead letter topic be written with a plain client.
type Producer struct{ Client *kgo.Client }

// Produce implements deliver.Producer.
func (w Producer) Produce(ctx context.Context, m deliver.Message) error {
	r := &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	err := w.Client.ProduceSync(ctx, r).FirstErr()
	if err != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
