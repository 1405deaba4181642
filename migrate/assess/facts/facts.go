// Package facts asks what Kafka cannot know of a service: memory, the time a record takes,
// whether it keeps state. It reads the answers from a YAML file, writes that file's skeleton,
// and fills the gaps from manifests, from what was measured, and with assumptions that are
// marked as such.
package facts

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"gantry/plan"
	"gantry/workload"
)

// File is a facts file: what its author said, and no more.
type File struct {
	Platform workload.Platform
	Services map[string]workload.Facts // by group
	Shadowed map[string]workload.Facts // by group: what shadow runs measured
}

// Shadow adds what a shadow run of a service's functions measured: their memory, and the
// time of a record. Functions of one service add up in time, as a record may go to each.
func (f *File) Shadow(s plan.Shadow) error {
	var each time.Duration
	memory, invocations := 0, int64(0)
	for _, m := range s.Functions {
		memory, invocations = max(memory, m.MemoryMB), invocations+m.Invocations
		if m.Records > 0 {
			each += m.Busy / time.Duration(m.Records)
		}
	}
	if s.Group == "" || each == 0 {
		return fmt.Errorf("the shadow run of plan %q has measured nothing: want what gantry migrate report NAME -o json prints, after records were processed", s.Plan)
	}
	why := fmt.Sprintf("%d invocations in the shadow run of plan %s, on the machine it ran on", invocations, s.Plan)
	if f.Shadowed == nil {
		f.Shadowed = map[string]workload.Facts{}
	}
	facts := workload.Facts{
		PerRecord:     workload.Fact[time.Duration]{Value: each, From: workload.Measured, Why: why},
		PerInvocation: workload.Fact[time.Duration]{From: workload.Measured, Why: "part of the time of a record: " + why},
		MemoryMB:      workload.Fact[int]{From: workload.NotKnown},
	}
	if memory > 0 {
		facts.MemoryMB = workload.Fact[int]{Value: memory, From: workload.Measured, Why: why}
	}
	f.Shadowed[s.Group] = facts
	return nil
}

// shadowed are the facts of a group that a shadow run measured.
func (f File) shadowed(group string) workload.Facts {
	if s, ok := f.Shadowed[group]; ok {
		return s
	}
	none := workload.Fact[time.Duration]{From: workload.NotKnown}
	return workload.Facts{MemoryMB: workload.Fact[int]{From: workload.NotKnown}, PerInvocation: none, PerRecord: none}
}

// Faults are all that is wrong with a facts file.
type Faults struct {
	Name  string
	Texts []string
}

func (f *Faults) Error() string {
	return f.Name + ": facts are not used:\n  " + strings.Join(f.Texts, "\n  ")
}

// Check refuses groups that the survey has not seen: a name with a typing error would
// silently be answered with assumptions.
func (f File) Check(name string, s workload.Survey) error {
	known := map[string]bool{}
	for _, g := range s.Groups {
		known[g.ID] = true
	}
	var faults []string
	for _, group := range slices.Sorted(maps.Keys(f.Services)) {
		if !known[group] {
			faults = append(faults, fmt.Sprintf("services.%s: the survey has no such group", group))
		}
	}
	for _, group := range slices.Sorted(maps.Keys(f.Shadowed)) {
		if !known[group] {
			faults = append(faults, fmt.Sprintf("the shadow run of group %s: the survey has no such group", group))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	if len(known) <= 20 {
		faults = append(faults, "it has: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return &Faults{Name: name, Texts: faults}
}

// assumed is what a service is taken for where nobody says otherwise.
const (
	assumedMemoryMB      = 512
	assumedCPU           = 0.25
	assumedPerInvocation = 20 * time.Millisecond
	assumedPerRecord     = 20 * time.Millisecond
	assumedBatch         = 100
	assumedWindow        = 500 * time.Millisecond
	assumedRoundTrip     = 20 * time.Millisecond
	assumedUtilisation   = 0.7
	assumedShare         = 10
)

// or takes the first fact that somebody knows.
func or[T any](facts ...workload.Fact[T]) workload.Fact[T] {
	for _, f := range facts {
		if f.Known() {
			return f
		}
	}
	return facts[len(facts)-1]
}

func assume[T any](v T, why string) workload.Fact[T] {
	return workload.Fact[T]{Value: v, From: workload.Assumed, Why: why}
}

func read[T any](v T, ok bool, why string) workload.Fact[T] {
	if !ok {
		return workload.Fact[T]{From: workload.NotKnown}
	}
	return workload.Fact[T]{Value: v, From: workload.Manifest, Why: why}
}

func unknown[T any](why string) workload.Fact[T] {
	return workload.Fact[T]{From: workload.NotKnown, Why: why}
}

// Platform fills what the file does not say. Manifests of Kubernetes say that there is a
// cluster now, not that there is one of EKS.
func (f File) Fill() workload.Platform {
	p := f.Platform
	p.EKS = or(p.EKS, assume(false, "no EKS cluster"))
	share := 1
	if p.EKS.Value {
		share = assumedShare
	}
	p.EKSShare = or(p.EKSShare, assume(share, "services that share a cluster of EKS"))
	p.RoundTrip = or(p.RoundTrip, assume(assumedRoundTrip, "between AWS and here"))
	p.VPC = or(p.VPC, assume(true, "functions that reach this Kafka run in a VPC"))
	p.Utilisation = or(p.Utilisation, assume(assumedUtilisation, "of containers at the peak"))
	return p
}

// Of gives the facts of a group: what the file says, else what its deployments say, else
// what was measured, else an assumption.
func (f File) Of(g workload.Group, deployments []workload.Deployment, topics []string) workload.Facts {
	said, ran := f.Services[g.ID], f.shadowed(g.ID)
	d := first(deployments)
	return workload.Facts{
		MemoryMB:      or(said.MemoryMB, ran.MemoryMB, read(d.MemoryMB, d.MemoryMB > 0, "limit in "+d.File), assume(assumedMemoryMB, "")),
		CPU:           or(said.CPU, read(d.CPU, d.CPU > 0, "limit in "+d.File), assume(assumedCPU, "")),
		PerInvocation: or(said.PerInvocation, ran.PerInvocation, assume(assumedPerInvocation, "")),
		PerRecord:     or(said.PerRecord, ran.PerRecord, perRecord(g)),
		Longest:       or(said.Longest, unknown[time.Duration]("")),
		Batch:         or(said.Batch, assume(assumedBatch, "AWS's default")),
		Window:        or(said.Window, assume(assumedWindow, "AWS's default")),
		Parallel:      or(said.Parallel, assume(1.0, "one after the other")),
		MinTasks:      or(said.MinTasks, read(min(d.Replicas, 2), d.Replicas > 0, "replicas in "+d.File), minTasks(g)),
		DiskMB:        or(said.DiskMB, unknown[int]("")),
		Trips:         or(said.Trips, unknown[float64]("")),
		Database:      or(said.Database, unknown[string]("")),
		State:         or(said.State, read(true, d.State != "", d.State), unknown[bool]("")),
		ExactlyOnce:   or(said.ExactlyOnce, unknown[bool]("")),
		Sockets:       or(said.Sockets, unknown[bool]("")),
		ErrorControls: or(said.ErrorControls, assume(false, "errors are retried until they pass, as a plain consumer does")),
		Writes:        or(said.Writes, writes(deployments, g, topics)),
	}
}

func first(deployments []workload.Deployment) workload.Deployment {
	if len(deployments) == 0 {
		return workload.Deployment{Replicas: -1}
	}
	return deployments[0]
}

// perRecord is measured where the group was seen to drain a backlog: its busy members over
// the records they did. Where it kept up, what it did bounds the time from above.
func perRecord(g workload.Group) workload.Fact[time.Duration] {
	busy := 0.0
	for _, m := range g.Members {
		if len(m.Assigned) > 0 {
			busy++
		}
	}
	if busy == 0 || g.Commits == nil {
		return assume(assumedPerRecord, "")
	}
	if g.Commits.Drain > 0 {
		return workload.Fact[time.Duration]{
			Value: seconds(busy / g.Commits.Drain), From: workload.Measured,
			Why: fmt.Sprintf("%.0f busy members drained %.0f records/s", busy, g.Commits.Drain),
		}
	}
	if most := seconds(busy / math.Max(g.Commits.Rate, 1e-9)); most < assumedPerRecord {
		return assume(most, fmt.Sprintf("at most: %.0f members kept up with %.0f records/s", busy, g.Commits.Rate))
	}
	return assume(assumedPerRecord, "")
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func minTasks(g workload.Group) workload.Fact[int] {
	if len(g.Members) >= 2 {
		return assume(2, fmt.Sprintf("the group has %d members", len(g.Members)))
	}
	return assume(1, "")
}

// writes takes topics that are named in a deployment's environment and that its group does
// not read for topics it writes.
func writes(deployments []workload.Deployment, g workload.Group, topics []string) workload.Fact[[]string] {
	var found []string
	for _, d := range deployments {
		for _, t := range d.Topics {
			if slices.Contains(topics, t) && !slices.Contains(g.Topics, t) && !slices.Contains(found, t) {
				found = append(found, t)
			}
		}
	}
	if len(found) == 0 {
		return unknown[[]string]("")
	}
	return workload.Fact[[]string]{Value: found, From: workload.Manifest, Why: "named in the environment and not read by the group"}
}

var errNoYAML = errors.New("no YAML")
