package rig

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gantry/mapping"
)

// givenUp reads the one log line by which a pipeline says that records were given up,
// and holds it against the mapping: without a limit or a declared drop it is a fault.
type givenUp struct {
	slog.Handler
	r *Rig
	p *Process
}

// Handle implements slog.Handler.
func (g *givenUp) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "records given up" {
		g.note(r)
	}
	return g.Handler.Handle(ctx, r)
}

func (g *givenUp) note(r slog.Record) {
	said := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool { said[a.Key] = a.Value; return true })
	m, w := g.p.mapping(), g.r.witness(said["function"].String())
	condition, count := said["condition"].String(), said["count"].Int64()
	offsets := said["offsets"].String()
	var partition int32
	_, _ = fmt.Sscanf(strings.TrimPrefix(said["partition"].String(), Topic+"-"), "%d", &partition)
	if !allowed(m, condition) {
		w.mu.Lock()
		w.fault("%d/%s given up for %s, which nobody chose", partition, offsets, condition)
		w.mu.Unlock()
	}
	if found := w.givenUp(m, partition, offsets, condition); found > count {
		w.mu.Lock()
		w.fault("%d/%s: %d records unresolved, only %d were given up", partition, offsets, found, count)
		w.mu.Unlock()
	}
}

// givenUp notes what a line about records given up says, and how many were unresolved.
func (w *Witness) givenUp(m mapping.Mapping, partition int32, offsets, condition string) (found int64) {
	w.mu.Lock()
	w.early = append(w.early, early{partition, offsets, GivenUp})
	w.mu.Unlock()
	w.ended(partition, GivenUp, func(e *Entry) bool {
		old := time.Since(time.UnixMilli(e.Timestamp)) > m.RecordAge
		open := e.Fate == Unresolved || w.outputs != nil && e.Fate == Succeeded // its answers could not be written
		in := within(offsets, e.Offset) && open && (condition != "EventAgeExceeded" || old)
		if in {
			found++
		}
		return in
	})
	return found
}

// within reads runs of offsets, 3-5,9.
func within(runs string, offset int64) bool {
	for run := range strings.SplitSeq(runs, ",") {
		var first, last int64
		if n, _ := fmt.Sscanf(run, "%d-%d", &first, &last); n == 1 {
			last = first
		}
		if first <= offset && offset <= last {
			return true
		}
	}
	return false
}

// allowed says whether the owner chose that records may end like this.
func allowed(m mapping.Mapping, condition string) bool {
	drop := m.OnFailure == "" || m.DestinationFailureDrop
	switch condition {
	case "RetryAttemptsExhausted":
		return drop && m.Attempts() >= 0
	case "EventAgeExceeded":
		return drop && m.RecordAge >= 0
	case "MaximumPayloadSizeExceeded":
		return m.OnFailure == "" && m.OversizeDrop || m.OnFailure != "" && m.DestinationFailureDrop
	case "Skipped": // the test that skips knows which
		return true
	}
	return false
}
