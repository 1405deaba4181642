package collect

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"gantry/kafka"
	"gantry/record"
)

// Forecast is what Run will ask at most, and how long that takes.
type Forecast struct {
	Brokers, Topics, Partitions, Groups int

	Requests map[string]int // by Kafka's name of the request
	Lookups  int            // offsets by timestamp
	Records  int64          // sampled
	Bytes    int64          // of them, as they are sent
	Pace     kafka.Pace
	Takes    time.Duration
}

func (f Forecast) String() string {
	requests := 0
	for _, n := range f.Requests {
		requests += n
	}
	return fmt.Sprintf("%s, %s, %s on %s: at most %d requests, %d lookups by time and %d sampled records of %.1f MB, %s; at most about %s",
		plural(f.Topics, "topic"), plural(f.Partitions, "partition"), plural(f.Groups, "group"), plural(f.Brokers, "broker"),
		requests, f.Lookups, f.Records, float64(f.Bytes)/1e6, f.Pace, f.Takes.Round(time.Second))
}

// probes is how often the time of a lookup is tried, each time in so many partitions.
const (
	probes = 3
	probed = 20
)

// Estimate says what Run would ask. To know, it lists topics and groups, reads the ends of
// the logs and tries how long a few lookups take; Run does all that again.
func Estimate(ctx context.Context, c kafka.Cluster, o Options) (Forecast, error) {
	s, err := o.decide()
	if err != nil {
		return Forecast{}, fmt.Errorf("plan the survey: %w", err)
	}
	s.Progress = nil
	client, err := kafka.OpenSurveyor(c, s.pace)
	if err != nil {
		return Forecast{}, fmt.Errorf("plan the survey: %w", err)
	}
	defer client.Close()
	r := newReading(client, s)
	if err := r.readLayout(ctx); err != nil {
		return Forecast{}, fmt.Errorf("plan the survey: %w", err)
	}
	groups, err := client.Groups(ctx)
	if ctx.Err() != nil {
		return Forecast{}, fmt.Errorf("plan the survey: %w", err)
	}
	if err := r.probe(ctx); err != nil {
		return Forecast{}, fmt.Errorf("plan the survey: %w", err)
	}
	f := r.forecast()
	for _, g := range groups {
		if !matches(s.LeaveOutGroups, g.ID) {
			f.Groups++
		}
	}
	r.forecastRequests(&f)
	return f, nil
}

// probe looks one moment up in some partitions, so that the pace of it is known.
func (r *reading) probe(ctx context.Context) error {
	var some []record.Partition
	for _, t := range r.here() {
		for _, p := range r.filled(t) {
			if !r.fits(p) {
				some = append(some, p)
			}
		}
	}
	some = some[:min(len(some), probed*max(1, r.layout.Brokers))]
	edges := r.edges(r.began)
	for range probes {
		if len(some) == 0 {
			return nil
		}
		if _, err := r.client.Marks(ctx, kafka.MomentOf(edges[len(edges)/2]), some); err != nil {
			return err
		}
	}
	return nil
}

// forecast counts topics, lookups and samples.
func (r *reading) forecast() Forecast {
	f := Forecast{Brokers: r.layout.Brokers, Pace: r.client.Pace()}
	for _, t := range r.here() {
		f.Topics++
		f.Partitions += len(t.Partitions)
		for _, p := range r.filled(t) {
			records := r.end[p] - r.start[p]
			if !r.fits(p) {
				f.Lookups += r.lookupsOf(records) + 1 // and one for timestamps of the future
			}
			f.Records += min(records, int64(r.records))
			if r.records > 0 || r.fits(p) {
				f.Bytes += r.bytesOf(p)
			}
		}
	}
	return f
}

// lookupsOf bounds the lookups of a partition: every edge, or for each record the way
// down to the bucket it is in.
func (r *reading) lookupsOf(records int64) int {
	edges := r.buckets + 1
	way := int64(bits.Len(uint(r.buckets)))
	if records > int64(edges) {
		return edges
	}
	return min(edges, int(2+records*way))
}

func (r *reading) bytesOf(p record.Partition) int64 {
	if size, known := r.disk[p]; known {
		return min(size, int64(r.bytes))
	}
	return int64(r.bytes)
}

// forecastRequests counts requests and time.
func (r *reading) forecastRequests(f *Forecast) {
	brokers, filled := max(1, f.Brokers), 0
	for _, t := range r.here() {
		filled += len(r.filled(t))
	}
	per := func(n, each int) int { return (n+each-1)/each + brokers - 1 }
	rounds := r.buckets + 2
	ticks := int(r.watch / watchEvery)
	f.Requests = map[string]int{
		"Metadata": 2 + brokers, "DescribeCluster": 1, "DescribeConfigs": per(f.Topics, 50), "ListGroups": brokers,
		"FindCoordinator": 2, "DescribeGroups": per(f.Groups, 50),
		"OffsetFetch": (1 + ticks) * per(f.Groups, 50),
		"ListOffsets": max(rounds*brokers, f.Lookups/100+rounds) + 2*per(len(r.end), 1000) + ticks*per(len(r.end), 1000),
		"Fetch":       per(filled, 50),
	}
	f.Requests["DescribeLogDirs"] = brokers
	if !r.Quick {
		f.Requests["DescribeProducers"] = per(f.Partitions, 50)
	}
	f.Requests["Fetch"] += f.Topics // small partitions, by topic
	if r.records > 0 {
		f.Requests["Fetch"] += per(filled*places, 16)
	}
	asked := 0
	for _, n := range f.Requests {
		asked += n
	}
	f.Takes = max(r.watch, time.Second) + f.Pace.Takes(asked-ticks*2, f.Lookups, f.Bytes, brokers)
}
