package engine

import (
	"context"
	"fmt"

	"gantry/pipeline"
)

// PreviewSkip says what a skip would do to a lane that stands here. It changes nothing.
func (e *Engine) PreviewSkip(uuid string, s pipeline.Skip) (pipeline.SkipPreview, error) {
	run, err := e.work(uuid)
	if err != nil {
		return pipeline.SkipPreview{}, err
	}
	v, err := run.pipe.PreviewSkip(s)
	return v, skipError(s, err)
}

// Skip gives records up by their owner's word: those of the preview whose token it
// carries, or none. The member does not leave its group.
func (e *Engine) Skip(ctx context.Context, uuid string, s pipeline.Skip) (pipeline.SkipPreview, error) {
	run, err := e.work(uuid)
	if err != nil {
		return pipeline.SkipPreview{}, err
	}
	v, err := run.pipe.Skip(ctx, s)
	return v, skipError(s, err)
}

func skipError(s pipeline.Skip, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("skip records of %s: %w", s.Partition, err)
}

// work is a mapping at work here, or pipeline.ErrNotHere.
func (e *Engine) work(uuid string) (*running, error) {
	r, err := e.find(uuid)
	if err != nil {
		return nil, err
	}
	if run := r.current(); run != nil {
		return run, nil
	}
	return nil, fmt.Errorf("mapping %s does not run in this process: %w", uuid, pipeline.ErrNotHere)
}
