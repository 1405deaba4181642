package engine

import (
	"errors"
	"fmt"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/store"
)

// Status is what this process observes of a mapping; the zero Status where it has not
// taken it up yet.
func (e *Engine) Status(uuid string) mapping.Status {
	r, err := e.find(uuid)
	if err != nil {
		return mapping.Status{}
	}
	return r.status()
}

func (r *runner) status() mapping.Status {
	r.mu.Lock()
	s := mapping.Status{
		State: r.state, Since: r.since, Version: r.version,
		Reason: mapping.UserInitiated, ProcessingResult: mapping.NoRecords,
	}
	cause, run := r.cause, r.running
	r.mu.Unlock()
	if cause != nil {
		explain(&s, cause)
		return s
	}
	if run != nil {
		run.status(&s)
	}
	return s
}

// status adds what the pipeline shows. Lost records come first, then why polls fail,
// then the last invocation.
func (r *running) status(s *mapping.Status) {
	snap := r.pipe.Snapshot()
	s.ProcessingResult, s.Detail, s.Lost = snap.Result, snap.Detail, snap.Losses
	if snap.Cause != nil {
		explain(s, snap.Cause)
	}
	for _, l := range snap.Lanes {
		if l.Blocked != "" {
			s.ProcessingResult, s.Detail = l.Blocked, fmt.Sprintf("%s at offset %d: %s", l.Partition, l.At, l.Detail)
		}
	}
	if len(snap.Losses) > 0 {
		l := snap.Losses[0]
		s.ProcessingResult = mapping.ProblemSourceLoss
		missing := fmt.Sprintf("offsets %d to %d (at most %d records) are missing", l.First, l.Last, l.Count)
		if l.Count == 0 {
			missing = fmt.Sprintf("nobody knows what is missing from offset %d on", l.First)
		}
		s.Detail = fmt.Sprintf("%s-%d: %s: %s. "+
			"Nothing was skipped: the partition waits. To go on behind the gap: gantry offsets accept-loss %s",
			l.Topic, l.Partition, missing, l.Reason, r.uuid)
	}
}

// explain turns an error into AWS's texts and a longer one.
func explain(s *mapping.Status, err error) {
	var fn *FunctionError
	if errors.As(err, &fn) {
		s.Reason, s.ProcessingResult = mapping.ReasonFunctionInvalid, mapping.ProblemFunction
		s.Detail = err.Error()
		return
	}
	var told *DiagnosedError
	if errors.As(err, &told) {
		err = told.Err // diagnosed again its text would say everything twice
	}
	d := kafka.Diagnose(err)
	s.ProcessingResult, s.Detail = d.Problem, err.Error()
	if d.Try != "" {
		s.Detail = d.Cause + ". Try: " + d.Try
	}
	if d.Reason != "" {
		s.Reason = d.Reason
	}
}

func (r *runner) current() *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

func (r *runner) lanes() ([]pipeline.LaneSnapshot, bool) {
	run := r.current()
	if run == nil {
		return nil, false
	}
	return run.pipe.Snapshot().Lanes, true
}

// Running is one mapping of this process as metrics and screens see it.
type Running struct {
	UUID     string
	Mapping  mapping.Mapping
	Snapshot pipeline.Snapshot
	Counts   *pipeline.Counts
}

// Running lists the mappings at work here.
func (e *Engine) Running() []Running {
	e.mu.Lock()
	runners := make([]*runner, 0, len(e.runners))
	for _, r := range e.runners {
		runners = append(runners, r)
	}
	e.mu.Unlock()
	var out []Running
	for _, r := range runners {
		run := r.current()
		if run == nil {
			continue
		}
		out = append(out, Running{r.uuid, r.wish().mapping, run.pipe.Snapshot(), run.pipe.Counts()})
	}
	return out
}

// One gives one mapping at work here, or ErrNotFound.
func (e *Engine) One(uuid string) (Running, error) {
	r, err := e.find(uuid)
	if err != nil {
		return Running{}, err
	}
	run := r.current()
	if run == nil {
		return Running{}, fmt.Errorf("mapping %s does not run here: %w", uuid, store.ErrNotFound)
	}
	return Running{uuid, r.wish().mapping, run.pipe.Snapshot(), run.pipe.Counts()}, nil
}

// Observed is a mapping as this process sees it, whether it runs here or not.
type Observed struct {
	UUID    string
	Mapping mapping.Mapping
	Status  mapping.Status
}

// Observed lists every mapping of the store, those that are off or can't run as well.
func (e *Engine) Observed() []Observed {
	e.mu.Lock()
	runners := make([]*runner, 0, len(e.runners))
	for _, r := range e.runners {
		runners = append(runners, r)
	}
	e.mu.Unlock()
	out := make([]Observed, 0, len(runners))
	for _, r := range runners {
		out = append(out, Observed{r.uuid, r.wish().mapping, r.status()})
	}
	return out
}
