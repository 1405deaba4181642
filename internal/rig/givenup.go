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
	w *Witness
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
	m := g.p.mapping()
	condition, count := said["condition"].String(), said["count"].Int64()
	first, last := said["first_offset"].Int64(), said["last_offset"].Int64()
	var partition int32
	_, _ = fmt.Sscanf(strings.TrimPrefix(said["partition"].String(), Topic+"-"), "%d", &partition)
	if !allowed(m, condition) {
		g.w.mu.Lock()
		g.w.fault("%d/%d-%d given up for %s, which nobody chose", partition, first, last, condition)
		g.w.mu.Unlock()
	}
	found := int64(0)
	g.w.ended(partition, GivenUp, func(e *Entry) bool {
		old := time.Since(time.UnixMilli(e.Timestamp)) > m.RecordAge
		in := e.Offset >= first && e.Offset <= last && e.Fate == Unresolved && (condition != "EventAgeExceeded" || old)
		if in {
			found++
		}
		return in
	})
	if found > count {
		g.w.mu.Lock()
		g.w.fault("%d/%d-%d: %d records unresolved, only %d were given up", partition, first, last, found, count)
		g.w.mu.Unlock()
	}
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
