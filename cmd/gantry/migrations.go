package main

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"gantry/engine"
	"gantry/migrate"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/store"
	"gantry/target/process"
)

// openMigrations makes what moves services to this gantry's functions.
func (s *server) openMigrations() *migrate.Migrations {
	return migrate.New(migrate.Config{
		Store: s.store, Sources: s.kafka, Resolve: s.engine.Resolve, Egress: process.EgressPossible, Code: s.targets.codeOf, Measure: s.measured, Progress: s.progress,
		Dir: filepath.Join(s.dataDir(), "migrations"), Region: s.opts.file.Region, AccountID: s.opts.file.AccountID, Log: s.opts.log,
	})
}

// progress says how a mapping does in this process.
func (s *server) progress(uuid string) (cutover.Progress, error) {
	p := cutover.Progress{Name: uuid}
	if status := s.engine.Status(uuid); strings.HasPrefix(status.ProcessingResult, "PROBLEM") {
		p.Problem = status.ProcessingResult + " " + status.Detail
	}
	running, err := s.engine.One(uuid)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil // not taken up yet, or stopped: there is no progress
	}
	if err != nil {
		return p, err
	}
	p.Records, p.Failed = running.Counts.Invoked.Load(), running.Counts.FailedInvoke.Load()
	p.Oldest = oldest(running, time.Now())
	return p, nil
}

// measured is what a function took in this process.
func (s *server) measured(name string) plan.Measured {
	use, ok := s.engine.Function(name)
	if !ok {
		return plan.Measured{Function: name}
	}
	m := plan.Measured{Function: name, Invocations: use.Counts.Invocations.Load(), Busy: time.Duration(use.Counts.Nanos.Load())}
	if p := use.Pool; p != nil && p.Processes > 0 {
		m.MemoryMB = int(p.Memory / int64(p.Processes) >> 20)
	}
	return m
}

// oldest is how long the batch that has stood longest is unresolved.
func oldest(r engine.Running, now time.Time) (longest time.Duration) {
	for _, l := range r.Snapshot.Lanes {
		if !l.Since.IsZero() {
			longest = max(longest, now.Sub(l.Since))
		}
	}
	return longest
}
