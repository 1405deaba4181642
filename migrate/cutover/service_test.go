package cutover_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// service reads by a group: it processes what a poll gave and commits it. It is the old
// service, and the functions as well.
type service struct {
	*world
	name, group, user string
	instance          string        // "" = a dynamic member
	server            bool          // KIP-848
	every             time.Duration // between commits; 0 = after each poll
	deaf              bool          // stop does not reach it
	bad               int64         // an offset of partition 0 that it never gets past, + 1
	failing           bool          // every invocation fails, and it goes on

	run       sync.Mutex // held to start and to stop
	cl        *kgo.Client
	cancel    context.CancelFunc
	ended     chan struct{}
	started   plan.Offsets
	n, failed int64
}

func (s *service) start() {
	s.run.Lock()
	defer s.run.Unlock()
	if s.cl != nil {
		return
	}
	s.mu.Lock()
	s.started, s.n, s.failed = plan.Offsets{}, 0, 0
	s.mu.Unlock()
	opts := append(s.fake.Options(), login(s.user), kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.topics...), kgo.DisableAutoCommit(),
		kgo.ClientID(s.name), kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(time.Second), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMinAge(time.Second),
		kgo.AdjustFetchOffsetsFn(s.begins))
	if s.instance != "" {
		opts = append(opts, kgo.InstanceID(s.instance))
	}
	if s.server {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cl, s.cancel, s.ended = cl, cancel, make(chan struct{})
	go s.loop(ctx, cl, s.ended)
}

func (s *service) begins(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, partitions := range offsets {
		for p, o := range partitions {
			if _, known := s.started.At(topic, p); !known && o.EpochOffset().Offset >= 0 {
				s.started.Set(topic, p, o.EpochOffset().Offset)
			}
		}
	}
	return offsets, nil
}

func (s *service) loop(ctx context.Context, cl *kgo.Client, ended chan struct{}) {
	defer close(ended)
	var last time.Time
	for ctx.Err() == nil {
		polling, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		fetches := cl.PollFetches(polling)
		cancel()
		fetches.EachRecord(s.process)
		if fetches.Err() != nil {
			select { // refused: it tries again, as services do
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		if time.Since(last) >= s.every {
			last = time.Now()
			s.commit(cl)
		}
		cl.AllowRebalance()
	}
	s.commit(cl)
	cl.CloseAllowingRebalance()
}

func (s *service) commit(cl *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.bad > 0 {
		cl.CommitOffsetsSync(ctx, s.upToBad(cl), nil)
		return
	}
	_ = cl.CommitUncommittedOffsets(ctx)
}

func (s *service) upToBad(cl *kgo.Client) map[string]map[int32]kgo.EpochOffset {
	at := cl.UncommittedOffsets()
	if o, ok := at[topic][0]; ok && o.Offset >= s.bad {
		at[topic][0] = kgo.EpochOffset{Offset: s.bad - 1, Epoch: -1}
	}
	return at
}

func (s *service) process(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.failing {
		s.failed++
	}
	s.done = append(s.done, event{s.name, r.Topic, r.Partition, r.Offset})
}

// stop ends it in good order: what is processed is committed, and it leaves.
func (s *service) stop() {
	s.run.Lock()
	defer s.run.Unlock()
	if s.cl == nil || s.deaf && s.t.Context().Err() == nil {
		return
	}
	s.cancel()
	<-s.ended
	s.cl = nil
}

// mapping is cutover.Mappings with a service as the functions.
type mapping struct {
	*world
	principal string
	faults    []string
	problem   string
	oldest    time.Duration
	groups    map[string]*service
	prepared  map[string]bool
	setup     func(*service)
	enabled   int
}

func (m *mapping) service(group string) *service {
	if m.groups == nil {
		m.groups, m.prepared = map[string]*service{}, map[string]bool{}
	}
	if m.groups[group] == nil {
		m.groups[group] = &service{world: m.world, name: "functions", group: group, user: "gantry"}
	}
	return m.groups[group]
}

func (m *mapping) Check(context.Context, string) []string { return m.faults }

func (m *mapping) Prepare(_ context.Context, group string) error {
	m.service(group)
	m.prepared[group] = true
	return nil
}

func (m *mapping) Enable(_ context.Context, group string) error {
	if !m.prepared[group] {
		return fmt.Errorf("there is no mapping for group %s", group)
	}
	s := m.service(group)
	if m.setup != nil {
		m.setup(s)
	}
	m.enabled++
	s.start()
	return nil
}

func (m *mapping) Disable(_ context.Context, group string) error {
	m.service(group).stop()
	return nil
}

func (m *mapping) Progress(_ context.Context, group string) (cutover.Progress, error) {
	s := m.service(group)
	m.mu.Lock()
	defer m.mu.Unlock()
	started := plan.Offsets{}
	for topic, partitions := range s.started {
		for p, at := range partitions {
			started.Set(topic, p, at)
		}
	}
	return cutover.Progress{Name: "mapping-1", Started: started, Records: s.n, Failed: s.failed, Oldest: m.oldest, Problem: m.problem}, nil
}

func (m *mapping) Owns(member kafka.Member) bool { return member.ClientID == "functions" }

func (m *mapping) Principal() string { return m.principal }

func (m *mapping) on(group string) bool {
	s := m.service(group)
	s.run.Lock()
	defer s.run.Unlock()
	return s.cl != nil
}

func (m *mapping) stopAll() {
	for _, s := range m.groups {
		s.stop()
	}
}
