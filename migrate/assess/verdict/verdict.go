// Package verdict decides where a service should go: to a function, to a container, or
// nowhere. Its rules are a table; each says with its numbers whether it fired, and what it
// could not know is said as that. Vetoes go before economy, and where nothing is known
// nothing is promised.
package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gantry/workload"
)

// finding is what a rule says of a service.
type finding struct {
	answer workload.Answer
	toward string
	saw    string
}

// rule is one line of the table.
type rule struct {
	name string
	kind workload.RuleKind
	ask  func(c Case) finding
}

// Case is a service to be judged: its facts, traffic and costs are filled in.
type Case struct {
	workload.Service
	Platform workload.Platform
	Quick    bool // the survey was
}

func fired(toward, saw string, words ...any) finding {
	return finding{answer: workload.Fired, toward: toward, saw: fmt.Sprintf(saw, words...)}
}

func silent(saw string, words ...any) finding {
	return finding{answer: workload.Silent, saw: fmt.Sprintf(saw, words...)}
}

func unasked(saw string) finding { return finding{answer: workload.Unasked, saw: saw} }

// table is every rule, in the order it is asked.
func table() []rule {
	return slices.Concat([]rule{classRule()}, vetoes(), economy(), places(), cautions())
}

// Of judges a service.
func Of(c Case) workload.Verdict {
	v := workload.Verdict{}
	for _, r := range table() {
		if r.kind != workload.OfClass && c.Class != workload.Plain {
			break // nothing else can be said of what is not read as a plain consumer reads
		}
		f := r.ask(c)
		v.Rules = append(v.Rules, workload.Rule{Name: r.name, Kind: r.kind, Answer: f.answer, Toward: f.toward, Saw: f.saw})
	}
	if c.Class != workload.Plain {
		return ofClass(v, c)
	}
	v.Confidence = confidence(c)
	decide(&v, c)
	if v.Target != workload.ToFunction {
		return v
	}
	if v.Open = open(v.Rules); len(v.Open) > 0 {
		v.Confidence.Why = append(v.Confidence.Why, "what could rule a function out was not answered: "+list(v.Open))
		if v.Confidence.Grade == high {
			v.Confidence.Grade = medium
		}
	}
	return v
}

// ofClass takes over what the class rule said. Its confidence is that of the class.
func ofClass(v workload.Verdict, c Case) workload.Verdict {
	r := v.Rules[0]
	v.Target, v.On, v.Reason = workload.Target(r.Toward), "here", r.Saw
	if v.Target == workload.ToContainer {
		v.On = "ECS or EKS, as it is"
	}
	v.Confidence = workload.Confidence{Grade: high, Days: c.Traffic.Days, Why: []string{"its class decides, and Kafka shows it: " + cmp.Or(c.Why, string(c.Class))}}
	if _, known := consequences()[c.Class]; !known {
		v.Confidence.Grade = low
	}
	return v
}

// decide goes from the vetoes to the money to the place.
func decide(v *workload.Verdict, c Case) {
	if c.Traffic.Mean == 0 {
		v.Target, v.On, v.Reason = workload.ToStay, "here", "no record came in the time that was looked at: nothing to move, and nothing to judge by"
		return
	}
	choose(v, c)
	if here := rules(v.Rules, ruleTrips); here.Answer == workload.Fired && v.Target != workload.ToStay {
		v.Later = true
		if v.Target == workload.ToFunction {
			v.On, v.Reason = "gantry, here", here.Saw
		} else {
			v.On, v.Reason = "here, then "+v.On, v.Reason+"; "+here.Saw
		}
	}
}

// choose is the verdict as it is once nothing binds the service to this place.
func choose(v *workload.Verdict, c Case) {
	on := container(c)
	lambda, box := c.Costs.Lambda.Money, quoteOf(c, on)
	if veto := of(v.Rules, workload.Veto); len(veto) > 0 {
		v.Target, v.On, v.Reason, v.Cost = workload.ToContainer, on, veto[0].Saw, box.Money
		if box.Impossible != "" {
			v.Target, v.On, v.Reason, v.Cost = workload.ToStay, "here", v.Reason+"; and as a container: "+box.Impossible, workload.Money{}
		}
		return
	}
	cheaper := rules(v.Rules, ruleMoney)
	v.CloseCall = lambda.Low <= box.Money.High && box.Money.Low <= lambda.High
	v.Target, v.On, v.Reason, v.Cost = workload.ToFunction, "AWS Lambda", cheaper.Saw, lambda
	if cheaper.Toward == string(workload.ToContainer) {
		v.Target, v.On, v.Cost = workload.ToContainer, on, box.Money
	}
}

// of gives the rules of a kind that fired.
func of(all []workload.Rule, kind workload.RuleKind) []workload.Rule {
	var found []workload.Rule
	for _, r := range all {
		if r.Kind == kind && r.Answer == workload.Fired {
			found = append(found, r)
		}
	}
	return found
}

func rules(all []workload.Rule, name string) workload.Rule {
	for _, r := range all {
		if r.Name == name {
			return r
		}
	}
	return workload.Rule{}
}

// open names the vetoes that nobody has asked about: they are to be answered before a move.
func open(all []workload.Rule) []string {
	var found []string
	for _, r := range all {
		if r.Kind == workload.Veto && r.Answer == workload.Unasked {
			found = append(found, r.Name)
		}
	}
	return found
}

// container says where a container would run: on the cluster that is there, else on ECS.
func container(c Case) string {
	if c.Platform.EKS.Value {
		return "EKS"
	}
	return "ECS"
}

func quoteOf(c Case, on string) workload.Quote {
	if on == "EKS" {
		return c.Costs.EKS
	}
	return c.Costs.Fargate
}

// grades of the coverage.
const (
	daysHigh, daysMedium     = 14, 3
	shareHigh, shareMedium   = 0.7, 0.35
	high, medium, low        = "high", "medium", "low"
	quickWhy                 = "a quick survey: a day of hourly buckets, and no records were read"
	timestampsWhy            = "timestamps do not say when records were written: the rates over time are doubtful"
	neverWatched, fewSamples = "commits were not watched", "no records were read: sizes and keys are not known"
)

// confidence goes by coverage: days of history and the share of inputs that were measured,
// read or given.
func confidence(c Case) workload.Confidence {
	f := c.Facts
	known := []bool{
		f.MemoryMB.Known(), f.PerRecord.Known(), f.PerInvocation.Known(), f.Longest.Known(), f.State.Known(), f.ExactlyOnce.Known(),
		f.Sockets.Known(), f.Trips.Known(), f.Writes.Known(), c.Traffic.BytesKnown, c.Commits != nil, c.Traffic.Trusted && c.Traffic.Days > 0,
	}
	conf := workload.Confidence{Days: math.Round(c.Traffic.Days*10) / 10, Inputs: len(known), Grade: low}
	for _, k := range known {
		if k {
			conf.Measured++
		}
	}
	share := float64(conf.Measured) / float64(conf.Inputs)
	switch {
	case !c.Traffic.Trusted:
	case conf.Days >= daysHigh && share >= shareHigh:
		conf.Grade = high
	case conf.Days >= daysMedium && share >= shareMedium:
		conf.Grade = medium
	}
	conf.Why = append(conf.Why, fmt.Sprintf("%.1f days of history", conf.Days), fmt.Sprintf("%d of %d inputs measured, read or given", conf.Measured, conf.Inputs))
	for why, say := range map[string]bool{quickWhy: c.Quick, timestampsWhy: !c.Traffic.Trusted, neverWatched: c.Commits == nil && !c.Quick, fewSamples: !c.Traffic.BytesKnown && !c.Quick} {
		if say {
			conf.Why = append(conf.Why, why)
		}
	}
	slices.Sort(conf.Why[2:])
	return conf
}

func dollars(m float64) string {
	switch {
	case m > 0 && m < 0.01:
		return "under 1¢"
	case m < 10:
		return fmt.Sprintf("$%.2f", m)
	}
	return fmt.Sprintf("$%.0f", m)
}

func list(words []string) string { return strings.Join(words, ", ") }
