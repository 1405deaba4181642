package fault_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// siege is a mapping with a transactional output whose gantries are watched through a tap.
type siege struct {
	*world
	c       *kafkatest.Cluster
	tap     *kafkatest.Tap
	in, out string
	config  string
	all     []*besieged

	before, fed int64 // committed before, and records fed by, the last feed
	hits        int   // kills while there was work
}

type siegeOptions struct {
	partitions int
	mapping    string            // members of the mapping
	output     string            // further members of its output
	topics     map[string]string // settings of the topics
}

func newSiege(t *testing.T, c *kafkatest.Cluster, tap *kafkatest.Tap, o siegeOptions) *siege {
	s := &siege{world: &world{t: t, cluster: c}, c: c, tap: tap, in: kafkatest.Topic(t), out: kafkatest.Topic(t) + ".out"}
	for _, topic := range []string{s.in, s.out} {
		c.CreateTopic(t, topic, o.partitions, o.topics)
	}
	s.config = fmt.Sprintf(`clusters: {main: {brokers: ["%s"], clientId: CLIENT}}
functions: {f: {runtime: provided.al2023, handler: h, code: %s, timeout: 10s, environment: {OUT: %s}}}
mappings: {m0: {function: f, cluster: main, topic: %s, consumerGroupId: %[4]s, startingPosition: TRIM_HORIZON, maximumBatchingWindow: 0s,
  sessionTimeout: 10s, %s, output: {topic: %[3]s, transactional: true, timeout: 5s%[6]s}}}
`, strings.Join(c.TapBrokers(), `", "`), gantrytest.GoFunction(t, answering), s.out, s.in, o.mapping, o.output)
	return s
}

// done is how many records are committed.
func (s *siege) done() (sum int64) {
	for _, at := range s.c.Committed(s.t, s.in, s.in) {
		sum += max(at, 0)
	}
	return sum
}

// besieged is one gantry.
type besieged struct {
	*gantrytest.Gantry
	s    *siege
	name string // of its client, on the brokers
	runs bool
	ends atomic.Int64 // transactions whose end it asked for
}

// gantry prepares one. It is known to the tap by its client's id.
func (s *siege) gantry(name string) *besieged {
	name = kafkatest.Topic(s.t) + "." + name
	b := &besieged{s: s, name: name, Gantry: gantrytest.New(s.t, gantrytest.Options{Config: strings.Replace(s.config, "CLIENT", name, 1)})}
	s.all = append(s.all, b)
	s.tap.Watch(name, b.count)
	return b
}

// Up starts it.
func (b *besieged) Up() {
	b.Gantry.Up()
	b.runs = true
}

// join starts it beside the other and waits until it has partitions.
func (b *besieged) join() {
	b.Up()
	b.s.eventually(time.Minute, "the joined one has partitions", func() bool { return b.s.holds(b.Gantry) > 0 })
}

// leave stops it in order.
func (b *besieged) leave() {
	require.NoError(b.s.t, b.Stop())
	b.runs = false
}

// stop stops those that run.
func (s *siege) stop() {
	for _, b := range s.all {
		if b.runs {
			b.leave()
		}
	}
}

func (b *besieged) count(r kafkatest.Request) bool {
	if r.Key == int16(kmsg.EndTxn) {
		b.ends.Add(1)
	}
	return true
}

// up gives those that run.
func (s *siege) up() (all []*besieged) {
	for _, b := range s.all {
		if b.runs {
			all = append(all, b)
		}
	}
	return all
}

// anyone is one of them.
func (s *siege) anyone() *besieged {
	up := s.up()
	return up[rand.N(len(up))]
}

// assault is one way to kill something while what it is given is worked on.
type assault struct {
	name string
	do   func(feed func())
}

// ways gives each way once. What is aimed at the end of a transaction differs from round to
// round in what becomes of the request that asks for it.
func (s *siege) ways(round int) []assault {
	end := []ending{never, heard, late}[round%3]
	return []assault{
		{"gantry between TxnOffsetCommit and EndTxn, which " + string(end), func(feed func()) { s.killAtEnd(end, feed) }},
		{"gantry", s.atWork(func() { b := s.anyone(); b.Kill(); b.Up() })},
		{"function", s.atWork(func() { s.anyone().killFunction() })},
		{"broker", s.atWork(s.killBroker)},
	}
}

// atWork kills at some time while there is work: where all was done before that time, there
// is more of it.
func (s *siege) atWork(kill func()) func(feed func()) {
	return func(feed func()) {
		for try := 0; ; try++ {
			feed()
			s.eventually(4*time.Minute, "work goes on before the next one is killed", s.moved)
			pass(rand.N(time.Duration(kafkatest.Size(50, 700)) * time.Millisecond))
			if s.hit() || try == 4 {
				break
			}
		}
		kill()
	}
}

// hit notes whether there is work.
func (s *siege) hit() bool {
	s.before = s.done()
	if s.before < s.fed {
		s.hits++
	}
	return s.before < s.fed
}

func (b *besieged) killFunction() {
	if pids := children(b.s.t, b.Pid()); len(pids) > 0 {
		_ = syscall.Kill(pids[rand.N(len(pids))], syscall.SIGKILL) // it may have ended by itself
	}
}

func (s *siege) killBroker() {
	victim := 1 + rand.N(3)
	s.c.KillBroker(victim)
	pass(time.Second)
	s.c.StartBroker(s.t, victim)
}
