package pipeline

import (
	"context"
	"errors"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/output"
	"gantry/record"
)

// write makes records of an answer and writes them, in the goroutine of the invocation:
// its lanes stand until every record is acknowledged, so what they commit has its outputs,
// and the outputs of a lane are in the order of its records. An answer that can't be
// written is a failure of the function. Anything else is tried again until it works or the
// lanes are taken away: the function is not invoked again for a broker's sake.
func (p *Pipeline) write(ctx context.Context, f *flight, stage *output.Stage, r *result) {
	var records []record.Output
	err := p.persist(ctx, f, func(ctx context.Context) (err error) {
		records, err = stage.Records(ctx, r.Answer)
		return err
	})
	if err == nil && p.cfg.KeepAnswers {
		r.records = records
		return
	}
	if err == nil && len(records) > 0 {
		n, bytes := len(records), weigh(records)
		p.post(func() { p.answered(f, bytes) })
		err = p.persist(ctx, f, func(ctx context.Context) (err error) {
			records, err = stage.Writer.Write(ctx, records)
			return err
		})
		if err == nil {
			p.count(f.by, func(c *Counts) { c.wrote(n, bytes) })
		}
	}
	var fault *output.Fault
	switch {
	case err == nil:
	case errors.As(err, &fault), errors.Is(err, output.ErrRefused):
		r.Class, r.Message, r.failures = function.Failed, err.Error(), nil
	default: // cut: the lanes are not ours any more
		r.Class, r.Message, r.failures = function.Unknown, err.Error(), nil
	}
}

// writeTimeout is when an attempt that hangs is shown as failed and made again.
const writeTimeout = 10 * time.Second

// persist tries until it works, until the answer is at fault, or until ctx ends.
func (p *Pipeline) persist(ctx context.Context, f *flight, try func(context.Context) error) error {
	for n := 0; ; n++ {
		trying, done := context.WithTimeout(ctx, writeTimeout)
		err := try(trying)
		done()
		var fault *output.Fault
		var schema *output.SchemaError
		if errors.As(err, &schema) && ctx.Err() == nil {
			p.count(f.by, func(c *Counts) { c.SchemaErrors.Add(1) })
		}
		if err == nil || ctx.Err() != nil || errors.As(err, &fault) || errors.Is(err, output.ErrRefused) {
			return err
		}
		p.count(f.by, func(c *Counts) { c.WriteErrors.Add(1) })
		p.post(func() { p.unwritten(f, err) })
		timer := time.NewTimer(jitter(n))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// answered notes that a function is through and its answer is held. The place it took is
// free for other lanes.
func (p *Pipeline) answered(f *flight, bytes int64) {
	p.returned(f)
	f.answer = bytes
	p.answerHeld(bytes)
}

// returned gives back the place that an invocation had, once.
func (p *Pipeline) returned(f *flight) {
	if !f.back {
		f.back = true
		f.by.flying--
	}
}

// answerHeld keeps account of the bytes of answers.
func (p *Pipeline) answerHeld(n int64) {
	p.held += n
	p.cfg.Total.add(n)
}

func weigh(records []record.Output) int64 {
	var n int64
	for i := range records {
		n += records[i].Weight()
	}
	return n
}

// unwritten shows why an answer waits.
func (p *Pipeline) unwritten(f *flight, err error) {
	p.returned(f)
	for _, l := range f.lanes {
		if l.flight == f {
			l.failing(err.Error())
		}
	}
	f.by.show(mapping.ProblemOutput, err.Error())
	p.failed(err)
	p.cfg.Log.Warn("an answer could not be written, it is tried again", "mapping", p.set.Mapping.UUID, "function", f.by.Name, "error", err)
}
