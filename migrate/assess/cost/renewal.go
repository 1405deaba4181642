package cost

import "math"

// renewal is how a partition's records become invocations: an invocation begins when the
// batch is full or its window is over, and when the one before has ended.
type renewal struct {
	batch     float64 // records, at most
	window    float64 // seconds
	fixed     float64 // seconds of an invocation
	perRecord float64 // seconds
}

// pace is what comes of it at one rate.
type pace struct {
	invocations float64 // per second
	duration    float64 // seconds
	records     float64 // of an invocation
}

// limit is the highest rate of one partition: full batches, one behind the other.
func (r renewal) limit() float64 { return r.batch / r.full() }

func (r renewal) full() float64 { return r.fixed + r.perRecord*r.batch }

// at gives the pace at a rate, that of the limit where the rate is above it.
func (r renewal) at(rate float64) pace {
	if rate <= 0 {
		return pace{}
	}
	every := math.Min(r.batch/rate, r.window+1/rate)
	records := math.Min(r.batch, rate*every)
	if d := r.fixed + r.perRecord*records; d <= every {
		return pace{invocations: 1 / every, duration: d, records: records}
	}
	// The function is the bottleneck: a batch is what came during the one before.
	if busy := r.perRecord * rate; busy < 1 {
		every = r.fixed / (1 - busy)
		if records = rate * every; records <= r.batch && every > 0 {
			return pace{invocations: 1 / every, duration: every, records: records}
		}
	}
	return pace{invocations: 1 / r.full(), duration: r.full(), records: r.batch}
}

// usage is what invocations add up to in a month.
type usage struct {
	invocations float64
	seconds     float64 // of one sandbox
	records     float64
	stuck       bool // a partition's backlog grows for ever
}

// over goes through the buckets of all partitions, with their rates times scale. What a
// partition can't do in a bucket it does in the next ones.
func (r renewal) over(loads []load, scale float64) usage {
	var u usage
	for _, l := range loads {
		var backlog float64
		for _, rate := range l.rates {
			want := rate*scale + backlog/l.width
			did := math.Min(want, r.limit())
			backlog = (want - did) * l.width
			p := r.at(did)
			u.invocations += p.invocations * l.width * l.perMonth
			u.seconds += p.invocations * p.duration * l.width * l.perMonth
			u.records += did * l.width * l.perMonth
		}
		u.stuck = u.stuck || l.mean*scale > r.limit()
	}
	return u
}

// load is the traffic of one partition.
type load struct {
	rates    []float64 // records per second, by bucket
	width    float64   // seconds
	perMonth float64   // of these stretches of time
	mean     float64
	peak     float64
}
