package pipeline

import (
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/invoke"
)

// Consumer is one function of a mapping: what may differ between them.
type Consumer struct {
	Name     string
	Caller   Caller
	Gate     *invoke.Gate
	Deliver  Deliverer     // nil without a destination; its letters name the function
	Partial  bool          // it may answer which records of a batch failed
	Timeout  time.Duration // drain and cut are derived from the longest
	Parallel int           // process default of concurrent invocations for this kind of target
}

// consumer is a function at work. It belongs to the loop. Each has its turns, its places and
// its backoffs to itself, so that none waits for another.
type consumer struct {
	Consumer
	bit      uint32  // of record.Record.Wants
	order    []*lane // its lanes in a stable order; next is whose turn it is
	next     int
	refused  bool // a lane was refused a place in this round
	flying   int
	throttle throttle
	result   string // of the last invocation, as a mapping shows it
	detail   string
	counts   *Counts
}

func newConsumer(c Consumer) *consumer {
	return &consumer{Consumer: c, result: mapping.NoRecords, counts: &Counts{}}
}

// count notes something of a function, for the mapping and for the function.
func (p *Pipeline) count(c *consumer, note func(*Counts)) {
	note(&p.counts)
	note(c.counts)
}

func (c *consumer) show(result, detail string) { c.result, c.detail = result, detail }

// invoked shows the last invocation: its problem, or OK.
func (c *consumer) invoked(out function.Outcome) {
	switch {
	case out.Class == function.Succeeded:
		c.show(mapping.OK, "")
	case out.Problem != "":
		c.show(out.Problem, describe(out))
	default:
		c.show(mapping.ProblemFunction, describe(out))
	}
}

// delivers ends the problem of a destination that takes letters again.
func (c *consumer) delivers() {
	if c.result == mapping.ProblemDestination {
		c.show(mapping.OK, "")
	}
}

// fails says whether the function shows a problem.
func (c *consumer) fails() bool { return c.result != mapping.OK && c.result != mapping.NoRecords }

// result is what the mapping shows: the problem of the first function that has one.
func (p *Pipeline) result() (result, detail string) {
	result = mapping.NoRecords
	if p.status.polls {
		result = mapping.OK
	}
	for _, c := range p.consumers {
		switch {
		case c.fails() && len(p.consumers) > 1:
			return c.result, c.Name + ": " + c.detail
		case c.fails():
			return c.result, c.detail
		case c.result == mapping.OK:
			result = mapping.OK
		}
	}
	return result, detail
}

// timeout is that of the function which may take longest.
func (p *Pipeline) timeout() time.Duration {
	var longest time.Duration
	for _, c := range p.consumers {
		longest = max(longest, c.Timeout)
	}
	return longest
}

// flying is how many invocations are under way.
func (p *Pipeline) flying() int {
	n := 0
	for _, c := range p.consumers {
		n += c.flying
	}
	return n
}
