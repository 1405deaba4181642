// Package wave orders services for moving: who feeds another moves before it, those that
// feed each other in a circle move together, and one is named to begin with.
package wave

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gantry/workload"
)

// Feeds finds who writes what another reads.
func Feeds(services []workload.Service) []workload.Feed {
	var found []workload.Feed
	for _, from := range services {
		for _, topic := range from.Facts.Writes.Value {
			for _, to := range services {
				if from.Group != to.Group && slices.Contains(to.Reads, topic) {
					found = append(found, workload.Feed{From: from.Group, To: to.Group, Topic: topic, Known: from.Facts.Writes.From})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b workload.Feed) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Topic, b.Topic))
	})
	return found
}

// Order puts the services that can be moved into waves. What stays is in none.
func Order(services []workload.Service, feeds []workload.Feed) []workload.Wave {
	moving := map[string]workload.Service{}
	for _, s := range services {
		if Movable(s) {
			moving[s.Group] = s
		}
	}
	next := map[string][]string{}
	for _, f := range feeds {
		_, from := moving[f.From]
		_, to := moving[f.To]
		if from && to && !slices.Contains(next[f.From], f.To) {
			next[f.From] = append(next[f.From], f.To)
		}
	}
	return waves(moving, next, circles(slices.Sorted(maps.Keys(moving)), next))
}

// Movable says whether a service goes anywhere.
func Movable(s workload.Service) bool {
	return s.Class == workload.Plain && (s.Verdict.Target == workload.ToFunction || s.Verdict.Target == workload.ToContainer)
}

// waves numbers the circles, which come with those that are fed first.
func waves(moving map[string]workload.Service, next map[string][]string, units [][]string) []workload.Wave {
	number, home := map[int]int{}, map[string]int{}
	for i, unit := range units {
		for _, s := range unit {
			home[s] = i
		}
	}
	before := map[int][]string{}
	for i := len(units) - 1; i >= 0; i-- { // who feeds is behind whom it feeds
		number[i] = max(number[i], 1)
		for _, s := range units[i] {
			for _, to := range next[s] {
				if j := home[to]; j != i {
					number[j] = max(number[j], number[i]+1)
					before[j] = append(before[j], s)
				}
			}
		}
	}
	var out []workload.Wave
	for i, unit := range units {
		for len(out) < number[i] {
			out = append(out, workload.Wave{Number: len(out) + 1})
		}
		u := workload.Unit{Services: unit, After: slices.Compact(slices.Sorted(slices.Values(before[i])))}
		for _, s := range unit {
			c := moving[s].Verdict.Cost
			u.Cost = workload.Money{Low: u.Cost.Low + c.Low, Mid: u.Cost.Mid + c.Mid, High: u.Cost.High + c.High}
		}
		w := &out[number[i]-1]
		w.Units = append(w.Units, u)
	}
	for _, w := range out {
		slices.SortFunc(w.Units, func(a, b workload.Unit) int {
			return cmp.Or(cmp.Compare(a.Cost.Mid, b.Cost.Mid), cmp.Compare(a.Services[0], b.Services[0]))
		})
	}
	return out
}

// First names the service to begin with: of those that nobody feeds and that no circle
// binds, the one with the least against it, and of these the cheapest.
func First(services []workload.Service, waves []workload.Wave) *workload.First {
	if len(waves) == 0 {
		return nil
	}
	byGroup := map[string]workload.Service{}
	for _, s := range services {
		byGroup[s.Group] = s
	}
	var candidates []workload.Service
	for _, u := range waves[0].Units {
		if len(u.Services) == 1 {
			candidates = append(candidates, byGroup[u.Services[0]])
		}
	}
	if len(candidates) == 0 {
		for _, s := range waves[0].Units[0].Services {
			candidates = append(candidates, byGroup[s])
		}
	}
	slices.SortStableFunc(candidates, func(a, b workload.Service) int {
		return cmp.Or(cmp.Compare(risk(a), risk(b)), cmp.Compare(a.Verdict.Cost.Mid, b.Verdict.Cost.Mid),
			cmp.Compare(a.Traffic.Mean, b.Traffic.Mean), cmp.Compare(a.Group, b.Group))
	})
	first := named(candidates[0], waves)
	if len(candidates) > 1 {
		first.Next = candidates[1].Group
	}
	return first
}

// risk counts what speaks against beginning with a service.
func risk(s workload.Service) int {
	n := len(against(s))
	if s.Verdict.Target != workload.ToFunction {
		n += 10 // gantry moves to functions
	}
	n += len(s.Verdict.Open)
	if !s.Facts.PerRecord.Known() {
		n++ // what it costs, and whether it keeps up, rests on an assumption
	}
	switch s.Verdict.Confidence.Grade {
	case "low":
		n += 4
	case "medium":
		n++
	}
	return n
}

// against are the cautions of a service that fired.
func against(s workload.Service) []string {
	var found []string
	for _, r := range s.Verdict.Rules {
		if r.Answer == workload.Fired && (r.Kind == workload.Caution || r.Kind == workload.Place && r.Toward != "") {
			found = append(found, r.Name+": "+r.Saw)
		}
	}
	return found
}

func named(s workload.Service, waves []workload.Wave) *workload.First {
	f := &workload.First{Service: s.Group}
	feeds, fed := 0, 0
	for _, w := range waves {
		for _, u := range w.Units {
			if slices.Contains(u.After, s.Group) {
				feeds++
			}
			if slices.Contains(u.Services, s.Group) {
				fed = len(u.After)
			}
		}
	}
	if s.Verdict.Target == workload.ToFunction {
		f.Why = append(f.Why, becomes(s))
	} else {
		f.Why = append(f.Why, "no service of the first wave can become a function; this one moves as a container: "+s.Verdict.Reason)
	}
	if fed == 0 {
		f.Why = append(f.Why, "it waits for nobody: no service that is to be moved feeds it, as far as is known")
	}
	if f.But = against(s); len(f.But) == 0 && len(s.Verdict.Open) == 0 {
		f.Why = append(f.Why, "it is safe to begin with: no veto and no caution fired")
	}
	f.Why = append(f.Why, fmt.Sprintf("nothing that is as safe is cheaper than its $%.2f a month", math.Max(s.Verdict.Cost.Mid, 0.01)))
	if feeds > 0 {
		f.Why = append(f.Why, fmt.Sprintf("%s to be moved after it", counted(feeds)))
	}
	if n := len(s.Verdict.Open); n > 0 {
		f.But = append(f.But, fmt.Sprintf("%d answers could still rule a function out: %s?", n, strings.Join(s.Verdict.Open, "? ")))
	}
	if !s.Facts.PerRecord.Known() {
		f.But = append(f.But, "the time of a record is assumed, and its cost with it")
	}
	if s.Verdict.Confidence.Grade != "high" {
		f.But = append(f.But, "confidence is "+s.Verdict.Confidence.Grade)
	}
	return f
}

func counted(units int) string {
	if units == 1 {
		return "another service waits"
	}
	return fmt.Sprintf("%d other services wait", units)
}

func becomes(s workload.Service) string {
	switch {
	case s.Verdict.Later:
		return "it can become a function: " + s.Verdict.Reason
	case len(s.Verdict.Open) > 0:
		return "it can become a function, as far as is known"
	}
	return "it can become a function: every veto was answered, and none rules it out"
}
