// Package assess judges what a survey of a cluster found: which services should become
// functions, which containers, which stay, what each would cost, and in which order they
// move. It reads no cluster and no clock: the same survey, facts and prices give the same
// assessment.
package assess

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/facts"
	"gantry/migrate/assess/index"
	"gantry/migrate/assess/manifest"
	"gantry/migrate/assess/verdict"
	"gantry/migrate/assess/wave"
	"gantry/workload"
)

// Inputs are what an assessment rests on beside the survey.
type Inputs struct {
	Facts     facts.File
	Prices    cost.Prices
	Manifests manifest.Found
	Made      time.Time
}

// Make judges a survey.
func Make(s workload.Survey, in Inputs) workload.Assessment {
	a := workload.Assessment{
		Cluster: s.Cluster, Made: in.Made, Began: s.Began, Ended: s.Ended, Quick: s.Quick, Requests: s.Requests,
		Region: in.Prices.Region, Prices: in.Prices.Lines(), Platform: in.Facts.Fill(), Caveats: slices.Clone(s.Caveats),
	}
	for _, g := range s.Groups {
		a.Services = append(a.Services, service(s, g, in))
	}
	for i := range a.Services {
		svc := &a.Services[i]
		c := verdict.Case{Service: *svc, Platform: a.Platform, Quick: s.Quick}
		if svc.Class == workload.Plain {
			svc.Costs = in.Prices.Of(cost.Case{Traffic: svc.Traffic, Facts: svc.Facts, Platform: a.Platform})
			c.Costs = svc.Costs
		}
		svc.Verdict = verdict.Of(c)
	}
	order(&a)
	a.Topics, a.Strays = topics(s, a.Services), strays(s, in.Manifests)
	a.Caveats = append(a.Caveats, caveats(a, in)...)
	return a
}

// service is a group before it is judged.
func service(s workload.Survey, g workload.Group, in Inputs) workload.Service {
	svc := workload.Service{
		Group: g.ID, Class: cmp.Or(g.Class, workload.Unknown), Why: g.Why, Type: g.Type, State: g.State, Assignor: g.Assignor,
		Members: len(g.Members), Reads: g.Topics, Lag: g.Lag, LagTime: g.LagTime, Lags: lags(g), Commits: g.Commits,
		Deployments: in.Manifests.Of(g.ID),
	}
	for _, m := range g.Members {
		if len(m.Assigned) == 0 {
			svc.Idlers++
		}
		svc.Static = svc.Static || m.InstanceID != ""
	}
	svc.Facts = in.Facts.Of(g, svc.Deployments, names(s))
	svc.Traffic = index.WithService(index.Of(s, g), svc.Facts.PerRecord.Value, g)
	return svc
}

func names(s workload.Survey) []string {
	out := make([]string, len(s.Topics))
	for i, t := range s.Topics {
		out[i] = t.Name
	}
	return out
}

func lags(g workload.Group) []workload.Lag {
	out := make([]workload.Lag, 0, len(g.Positions))
	for _, p := range g.Positions {
		l := workload.Lag{Topic: p.Topic, Partition: p.Partition, Committed: p.Committed >= 0, Records: p.End - max(p.Committed, p.Start)}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b workload.Lag) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// order puts the services into waves and sorts them by it.
func order(a *workload.Assessment) {
	a.Feeds = wave.Feeds(a.Services)
	a.Waves = wave.Order(a.Services, a.Feeds)
	a.First = wave.First(a.Services, a.Waves)
	number := map[string]int{}
	for _, w := range a.Waves {
		for _, u := range w.Units {
			for _, s := range u.Services {
				number[s] = w.Number
			}
		}
	}
	last := len(a.Waves) + 1
	for i := range a.Services {
		a.Services[i].Wave = number[a.Services[i].Group]
	}
	place := func(s workload.Service) int {
		switch {
		case a.First != nil && s.Group == a.First.Service:
			return 0
		case s.Wave == 0:
			return last
		}
		return s.Wave
	}
	slices.SortStableFunc(a.Services, func(x, y workload.Service) int {
		return cmp.Or(cmp.Compare(place(x), place(y)), cmp.Compare(x.Verdict.Cost.Mid, y.Verdict.Cost.Mid), cmp.Compare(x.Group, y.Group))
	})
}

// strays are deployments that name no group of the survey.
func strays(s workload.Survey, found manifest.Found) []workload.Deployment {
	var out []workload.Deployment
	for _, d := range found.Deployments {
		if !slices.ContainsFunc(s.Groups, func(g workload.Group) bool { return slices.Contains(d.Groups, g.ID) }) {
			out = append(out, d)
		}
	}
	return out
}

// caveats say what the assessment rests on that nobody knows.
func caveats(a workload.Assessment, in Inputs) []string {
	var found []string
	assumed, unordered := 0, 0
	for _, s := range a.Services {
		if s.Class != workload.Plain {
			continue
		}
		if !s.Facts.PerRecord.Known() {
			assumed++
		}
		if !s.Facts.Writes.Known() {
			unordered++
		}
	}
	if assumed > 0 {
		found = append(found, fmt.Sprintf("the time a record takes is assumed for %s: costs may be wrong by more than their intervals (perRecord in the facts file)", services(assumed)))
	}
	if unordered > 0 {
		found = append(found, fmt.Sprintf("what is written by %s is not known: one may feed another that is to be moved before it (writes in the facts file)", services(unordered)))
	}
	found = append(found, in.Manifests.Notes...)
	found = append(found, "prices are list prices of "+a.Region+", without discounts, free tiers and taxes; what AWS bills beside compute stands under each service as usually forgotten")
	return found
}

func services(n int) string {
	if n == 1 {
		return "one service"
	}
	return fmt.Sprintf("%d services", n)
}
