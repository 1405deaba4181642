package shadow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"gantry/kafka"
	"gantry/migrate/shadow/compare"
	"gantry/plan"
	"gantry/record"
)

// watch follows and compares until the run is to end.
func (r *run) watch(ctx context.Context) error {
	from, sides := plan.Offsets{}, map[string]side{}
	for _, o := range r.Plan.Outputs {
		from[o.Topic], sides[o.Topic] = r.begun.Old[o.Topic], side{compare.Old, o.Topic}
		shadow := r.Plan.ShadowTopic(o.Topic)
		from[shadow], sides[shadow] = r.begun.New[shadow], side{compare.New, o.Topic}
		if o.Second != "" {
			from[o.Second], sides[o.Second] = r.begun.Old[o.Second], side{compare.Second, o.Topic}
		}
	}
	var err error
	if r.follow, err = r.Admin.Follow(from); err != nil {
		return err
	}
	defer r.follow.Close()
	r.sides, r.cmp = sides, compare.Begin(r.Plan, time.Time{}) // the seam is known by offsets
	r.b = barrier{stage: reading}
	r.took.begin(r.Measure)
	return r.loop(ctx)
}

func (r *run) loop(ctx context.Context) error {
	end, ending := r.End, &ending{}
	looked := time.Time{}
	var over <-chan time.Time
	if r.begun.For > 0 {
		over = time.After(time.Until(r.begun.At.Add(r.begun.For)))
	}
	for {
		if err := r.read(ctx); err != nil {
			return err
		}
		if now := time.Now(); now.Sub(looked) >= r.Timing.Look {
			looked = now
			if err := r.look(ctx); err != nil {
				return err
			}
		}
		if time.Since(r.checked) >= r.Timing.Check {
			if err := r.check(ctx); err != nil {
				return err
			}
		}
		asked := r.ended && ending.ends == nil
		select {
		case <-end:
			asked = true
		case <-over:
			asked = true
		default:
		}
		if asked {
			end, over = nil, nil
			if !r.ended {
				r.ended = true
				if err := r.Journal.Write(ctx, plan.StepReport, plan.Intends, Ending{}); err != nil {
					return err
				}
			}
			r.Tell("the shadow run ends when both implementations are done with what is there")
			r.b.last = r.b.number + 2 // the one under way began before
			if err := ending.begin(ctx, r); err != nil {
				return err
			}
		}
		if ending.over(r) {
			return nil
		}
		r.show()
	}
}

// ending is the end of a run: a barrier behind everything that was there, or, where the
// implementations take too long, as much as could be read.
type ending struct {
	ends  plan.Offsets // of what is followed, when the end began
	until time.Time    // once that has been read; zero before
}

func (e *ending) begin(ctx context.Context, r *run) error {
	e.ends = plan.Offsets{}
	for topic := range r.sides {
		_, end, err := r.Admin.Bounds(ctx, topic, false)
		if err != nil && ctx.Err() == nil {
			continue // it is not waited for
		}
		if err != nil {
			return context.Cause(ctx)
		}
		e.ends[topic] = end
	}
	return nil
}

func (e *ending) over(r *run) bool {
	switch {
	case e.ends == nil:
		return false
	case r.b.number >= r.b.last:
		return true
	case e.until.IsZero() && r.readTo(e.ends):
		e.until = time.Now().Add(r.Timing.Last)
	}
	return !e.until.IsZero() && time.Now().After(e.until)
}

// read takes what came. A cluster that does not answer for a moment is waited for: nothing
// is lost by it.
func (r *run) read(ctx context.Context) error {
	if len(r.sides) == 0 {
		return wait(ctx, r.Timing.Look/2)
	}
	err := r.follow.Poll(ctx, r.Timing.Look/2, r.take)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		return nil
	}
	r.b.trouble = err.Error()
	r.Tell("the outputs can't be read: " + err.Error())
	return wait(ctx, r.Timing.Look)
}

func (r *run) take(f kafka.Followed) {
	r.lost[f.Topic] += f.Lost
	of := r.sides[f.Topic]
	for i := range f.Records {
		rec := &f.Records[i]
		seam, known := r.begun.Seam.At(f.Topic, f.Partition)
		r.cmp.Add(of.of, compare.Record{
			Topic: of.topic, Where: f.Topic, Partition: f.Partition, Offset: rec.Offset, At: time.UnixMilli(rec.Timestamp).UTC(),
			Key: rec.Key, Value: rec.Value, Headers: rec.Headers, Early: of.of == compare.Old && known && rec.Offset < seam,
		})
	}
}

// The stages of a barrier.
const (
	reading  = iota // nothing is waited for
	awaiting        // both groups are to commit beyond the source's ends
	gracing         // what was written for the last records may be on its way
	draining        // what was written is to be read
)

// barrier is what the comparison waits for before it calls an output missing.
type barrier struct {
	number, last int
	stage        int
	mark         compare.Barrier
	source       plan.Offsets // ends of the source: everything before mark was caused by records before them
	grace        time.Time
	outputs      plan.Offsets // ends of what is followed, to be read up to
	trouble      string       // what was in the way, for people
	waits        string
	stuck        map[string]int64 // partition → the position at the last look
}

// look goes on with the barrier as far as the cluster allows.
func (r *run) look(ctx context.Context) error {
	old, err := r.Admin.Settled(ctx, r.Plan.Service.Group)
	if err == nil {
		var shadow kafka.Offsets
		if shadow, err = r.Admin.Settled(ctx, r.begun.Group); err == nil {
			err = r.advance(ctx, plain(old), plain(shadow))
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, kafka.ErrPending): // between two commits of a transactional service
	case err != nil:
		r.b.trouble = err.Error()
		r.Tell("the shadow run waits: " + err.Error())
	default:
		r.b.trouble = ""
	}
	return nil
}

func (r *run) advance(ctx context.Context, old, shadow plan.Offsets) error {
	r.count(ctx, old, shadow)
	switch r.b.stage {
	case reading:
		r.b.mark = r.cmp.Mark()
		source := plan.Offsets{}
		for _, topic := range r.Plan.Service.Topics {
			_, end, err := r.Admin.Bounds(ctx, topic, true)
			if err != nil {
				return err
			}
			source[topic] = end
		}
		r.b.source, r.b.stage, r.b.stuck = source, awaiting, map[string]int64{}
	case awaiting:
		for who, at := range map[string]plan.Offsets{"the old service": old, "the functions": shadow} {
			ok, err := r.beyond(ctx, who, at)
			if !ok || err != nil {
				return err
			}
		}
		r.b.waits, r.b.stage, r.b.grace = "", gracing, time.Now().Add(r.Timing.Grace)
	case gracing:
		if time.Now().Before(r.b.grace) {
			return nil
		}
		return r.drain(ctx)
	case draining:
		if r.readTo(r.b.outputs) {
			r.cmp.Settle(r.b.mark)
			r.b.stage = reading
			r.b.number++
		}
	}
	return nil
}

// beyond says whether a group has committed everything before the source's ends. A position
// that stands before an end with nothing but transaction markers between has.
func (r *run) beyond(ctx context.Context, who string, at plan.Offsets) (bool, error) {
	for topic, ends := range r.b.source {
		for p, end := range ends {
			is, _ := at.At(topic, p)
			if is >= end {
				continue
			}
			name := fmt.Sprintf("%s %s-%d", who, topic, p)
			r.b.waits = fmt.Sprintf("%s to go from %d to %d in %s-%d", who, is, end, topic, p)
			was, known := r.b.stuck[name]
			r.b.stuck[name] = is
			if !known || was != is || end-is > 100 {
				return false, nil
			}
			empty := errors.New("a record")
			err := r.Admin.Scan(ctx, kafka.Scanning{Topic: topic, Partition: p, From: is, To: end}, func(record.Record) error { return empty })
			if errors.Is(err, empty) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// drain takes the ends that are to be read up to, and follows partitions that are new.
func (r *run) drain(ctx context.Context) error {
	ends := plan.Offsets{}
	for topic := range r.sides {
		start, end, err := r.Admin.Bounds(ctx, topic, false)
		if err != nil {
			return err
		}
		ends[topic] = end
		for p := range end {
			if _, known := r.follow.Next(topic, p); !known {
				r.follow.Add(topic, p, start[p])
			}
		}
	}
	r.b.outputs, r.b.stage = ends, draining
	return nil
}

// readTo says whether everything before these ends has been read.
func (r *run) readTo(all plan.Offsets) bool {
	for topic, ends := range all {
		for p, end := range ends {
			if at, _ := r.follow.Next(topic, p); at < end {
				return false
			}
		}
	}
	return true
}

// count is how many records both are done with, and how many the functions gave up.
func (r *run) count(ctx context.Context, old, shadow plan.Offsets) {
	inputs := int64(0)
	for topic, partitions := range r.begun.F0 {
		for p, f0 := range partitions {
			a, _ := old.At(topic, p)
			b, _ := shadow.At(topic, p)
			inputs += max(0, min(a, b)-f0)
			r.back = r.back || a < f0
		}
	}
	r.inputs = max(r.inputs, inputs)
	failed := r.Plan.ShadowFailed()
	_, ends, err := r.Admin.Bounds(ctx, failed, false)
	if err != nil {
		return // it is counted again at the next look
	}
	r.failed = 0
	for p := range maps.Keys(ends) {
		at, _ := r.begun.Failed.At(failed, p)
		r.failed += ends[p] - at
	}
}
