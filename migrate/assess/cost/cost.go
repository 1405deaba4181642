// Package cost prices a service's month: as a Lambda function, as tasks of Fargate, as pods
// of EKS, each with an interval, and finds where they cross. It says what is in an amount,
// and what such comparisons usually forget.
package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gantry/workload"
)

const (
	hoursPerMonth   = 730.0
	secondsPerMonth = hoursPerMonth * 3600
	lambdaMaxBytes  = 6 << 20 // of an invocation
	recordOverhead  = 400     // bytes of JSON around a record of an event
	freeDiskMB      = 512
	pollerBytes     = 20e6 // per second and unit
	cooldown        = 300  // seconds until KEDA scales to zero
	pollersReact    = 180  // seconds until on-demand pollers have scaled up
)

// Case is a service to be priced.
type Case struct {
	Traffic  workload.Traffic
	Facts    workload.Facts
	Platform workload.Platform
}

// end is one end of the interval, or its middle: factors of the rate and of the time of a record.
type end struct{ rate, time float64 }

// Of prices a service.
func (p Prices) Of(c Case) workload.Costs {
	w := work{Case: c, prices: p, loads: loads(c.Traffic)}
	w.cpu, w.memory = taskSize(c.Facts)
	low, mid, high := w.ends()
	costs := workload.Costs{
		Lambda: w.quote("lambda", w.lambda, low, mid, high), Fargate: w.quote("fargate", w.fargate, low, mid, high),
		EKS: w.quote("eks", w.eks, low, mid, high), BatchLimit: w.batch(),
		TaskCPU: w.cpu, TaskMemory: w.memory, Extra: workload.Seconds(trips(c)),
	}
	if costs.Extra > 0 {
		far := w
		far.extra = float64(costs.Extra)
		q := far.quote("lambda", far.lambda, low, mid, high)
		costs.Far = &q
	}
	u := w.renewal(mid).over(w.loads, 1)
	costs.Invocations, costs.Busy = u.invocations, u.seconds/secondsPerMonth
	if u.invocations > 0 {
		costs.BatchMean = u.records / u.invocations
	}
	costs.Drain = w.drain(mid)
	if costs.Drain > 0 {
		costs.BurstDelay = workload.Seconds(c.Traffic.Peak * pollersReact / costs.Drain)
	}
	costs.Tasks = w.tasks(mid)
	if sandbox := w.gb() * p.of(lambdaGBSecond) * 3600; sandbox > 0 {
		costs.BreakEven = float64(costs.Tasks) * w.taskHour() / sandbox
	}
	costs.Curve = w.curve()
	costs.CrossRate = w.cross(costs.Curve)
	costs.Forgotten = w.forgotten(costs)
	return costs
}

// work is one case on its way to a price.
type work struct {
	Case
	prices Prices
	loads  []load
	extra  float64 // seconds that round trips to what stays add to a record in AWS
	cpu    float64 // of a task
	memory float64
}

func loads(t workload.Traffic) []load {
	var out []load
	for _, s := range t.Loads {
		l := load{width: s.Width.Seconds(), rates: make([]float64, len(s.Counts))}
		if len(s.Counts) == 0 || l.width <= 0 {
			continue
		}
		for i, c := range s.Counts {
			l.rates[i] = c / l.width
			l.mean += l.rates[i] / float64(len(s.Counts))
		}
		sorted := slices.Sorted(slices.Values(l.rates))
		l.peak = sorted[int(math.Ceil(0.99*float64(len(sorted))))-1]
		l.perMonth = secondsPerMonth / (l.width * float64(len(l.rates)))
		if l.mean > 0 {
			out = append(out, l)
		}
	}
	return out
}

// trips gives the seconds a record waits for a database that stays where it is.
func trips(c Case) float64 {
	if c.Facts.Database.Value != "here" {
		return 0
	}
	return c.Facts.Trips.Value * c.Platform.RoundTrip.Value.Seconds()
}

// ends are the interval: the time of a record ± 50 %, the rate between the days' 10th and
// 90th percentile.
func (w work) ends() (low, mid, high end) {
	down, up := 1.0, 1.0
	if t := w.Traffic; t.Mean > 0 {
		down, up = math.Min(t.Low/t.Mean, 1), math.Max(t.High/t.Mean, 1)
	}
	return end{down, 0.5}, end{1, 1}, end{up, 1.5}
}

func (w work) renewal(e end) renewal {
	return renewal{
		batch: float64(w.batch()), window: w.Facts.Window.Value.Seconds(),
		fixed: w.Facts.PerInvocation.Value.Seconds(), perRecord: w.recordTime(e),
	}
}

func (w work) recordTime(e end) float64 { return w.Facts.PerRecord.Value.Seconds()*e.time + w.extra }

// batch is what fits an invocation: the batch size, or what 6 MB of encoded records hold.
func (w work) batch() int {
	fits := math.Inf(1)
	if w.Traffic.BytesKnown {
		fits = math.Floor(lambdaMaxBytes / (w.Traffic.MeanBytes*4/3 + recordOverhead))
	}
	return int(math.Max(1, math.Min(float64(w.Facts.Batch.Value), fits)))
}

func (w work) gb() float64 { return float64(w.Facts.MemoryMB.Value) / 1024 }

// drain is the most that Lambda does here: full batches, one in flight for each partition.
func (w work) drain(e end) float64 { return float64(len(w.loads)) * w.renewal(e).limit() }

// sum is a quote's amount at one end.
type sum struct {
	items    []workload.Item
	stuck    string
	strained string
}

func (s sum) total() float64 {
	var all float64
	for _, i := range s.items {
		all += i.Amount
	}
	return all
}

func (w work) quote(target string, price func(end) sum, low, mid, high end) workload.Quote {
	l, m, h := price(low), price(mid), price(high)
	amounts := []float64{l.total(), m.total(), h.total()}
	q := workload.Quote{
		Target: target, Items: m.items, Impossible: m.stuck,
		Money: workload.Money{Low: slices.Min(amounts), Mid: m.total(), High: slices.Max(amounts)},
	}
	if m.stuck == "" {
		q.Strained = cmp.Or(m.strained, h.stuck)
	}
	return q
}

func (w work) lambda(e end) sum {
	r := w.renewal(e)
	u := r.over(w.loads, e.rate)
	s := sum{items: []workload.Item{
		{What: "requests", Amount: u.invocations * w.prices.of(lambdaRequest), How: fmt.Sprintf("%s invocations", count(u.invocations))},
		{What: "time", Amount: u.seconds * w.gb() * w.prices.of(lambdaGBSecond), How: fmt.Sprintf("%s seconds at %d MB", count(u.seconds), w.Facts.MemoryMB.Value)},
	}}
	if over := w.Facts.DiskMB.Value - freeDiskMB; over > 0 {
		s.items = append(s.items, workload.Item{
			What: "disk", Amount: u.seconds * float64(over) / 1024 * w.prices.of(lambdaDisk), How: fmt.Sprintf("%d MB above %d", over, freeDiskMB),
		})
	}
	if w.Facts.ErrorControls.Value {
		s.items = append(s.items, w.pollers(e))
	}
	s.stuck = w.tooSlow(r, e)
	return s
}

// pollers are bought where the error controls of AWS are wanted.
func (w work) pollers(e end) workload.Item {
	units := math.Max(1, math.Ceil(w.Traffic.Peak*e.rate*w.Traffic.MeanBytes/pollerBytes))
	return workload.Item{
		What: "provisioned pollers", Amount: units * hoursPerMonth * w.prices.of(lambdaPoller),
		How: fmt.Sprintf("%.0f unit all month, because AWS sells its error controls with them; a poller group shares it among up to 100 mappings", units),
	}
}

// tooSlow says why ordered batches, one at a time for each partition, can't follow the peak.
func (w work) tooSlow(r renewal, e end) string {
	limit := r.limit()
	if all := float64(len(w.loads)) * limit; w.Traffic.Peak*e.rate > all {
		return fmt.Sprintf("%d partitions × %s/s in order = %s records/s, the peak is %s/s", len(w.loads), rate(limit), rate(all), rate(w.Traffic.Peak*e.rate))
	}
	for _, l := range w.loads {
		if l.peak*e.rate > limit {
			return fmt.Sprintf("one partition can do %s records/s in order, the busiest gets %s/s at its peak", rate(limit), rate(l.peak*e.rate))
		}
	}
	return ""
}

func (w work) forgotten(c workload.Costs) []workload.Item {
	gb := w.Traffic.Mean * w.Traffic.MeanBytes * secondsPerMonth / 1e9
	p := w.prices
	items := []workload.Item{
		{What: "NAT gateway", Amount: hoursPerMonth*p.of(natHour) + gb*p.of(natGB), How: "one, for functions in a VPC that call AWS or the internet; shared by all of them"},
		{What: "interface endpoints", Amount: 2*hoursPerMonth*p.of(endpointHour) + gb*p.of(endpointGB), How: "instead of it, each service called, in two zones"},
		{What: "Direct Connect", Amount: p.of(directMonth) + gb*p.of(directGB), How: "one port, shared by all; traffic back to what stays taken as large as what is read"},
		{What: "traffic across zones", Amount: gb * 2 / 3 * p.of(crossZoneGB), How: "two of three records come from another zone unless the client says its rack"},
		{What: "shadow", Amount: c.Lambda.Money.Mid, How: "once, for a month in which old and new both run; the topics are read twice"},
		{What: "log ingestion", Amount: c.Invocations * 1024 / 1e9 * p.of(logsGB), How: w.logs(c)},
	}
	if !w.Facts.ErrorControls.Value {
		items = append(items, w.pollers(end{1, 1}))
	}
	return items
}

func (w work) logs(c workload.Costs) string {
	how := fmt.Sprintf("%.2f GB at 1 KB an invocation", c.Invocations*1024/1e9)
	if w.prices.of(logsGB) == 0 {
		how += "; the price list has no logs.gb, so it is not counted"
	}
	return how
}

func count(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f G", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f M", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f k", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

func rate(r float64) string {
	switch {
	case r >= 100:
		return fmt.Sprintf("%.0f", r)
	case r >= 1:
		return fmt.Sprintf("%.1f", r)
	}
	return fmt.Sprintf("%.2g", r)
}
