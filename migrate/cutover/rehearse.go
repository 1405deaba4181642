package cutover

import (
	"context"
	"fmt"
	"time"

	"gantry/plan"
)

// Rehearsal is a cutover and its rollback, timed.
type Rehearsal struct {
	Predicted time.Duration `json:"predictedNs"`
	Cutover   Proof         `json:"cutover"`
	Rollback  Returned      `json:"rollback"`
	Took      time.Duration `json:"tookNs"`
}

// Rehearse cuts over, proves it, and gives the work back at once. What it measures is what
// the next prediction is made of.
func (p *Protocol) Rehearse(ctx context.Context) (Rehearsal, error) {
	began := time.Now()
	var out Rehearsal
	var err error
	if out.Cutover, err = p.cutover(ctx, Wish{Rehearsal: true, SkipTail: p.cfg.Skip}); err != nil {
		return out, err
	}
	r, err := p.load(ctx)
	if err != nil {
		return out, err
	}
	said, _, err := facts[Prediction](r.a.ahead, plan.StepPredict)
	if err != nil {
		return out, err
	}
	out.Predicted = said.Pause
	out.Rollback, err = p.Rollback(ctx, "it was a rehearsal")
	out.Took = time.Since(began)
	return out, err
}

// Release ends a migration for good: the fence is taken away, or kept where the principal is
// retired instead. There is no way back after it.
func (p *Protocol) Release(ctx context.Context, keepFence bool) error {
	r, err := p.load(ctx)
	if err != nil {
		return err
	}
	if !r.a.watched() {
		return fmt.Errorf("release: %w, watched to its end: until then the old group and its fence are the way back", ErrNotProven)
	}
	intent := r.fenceIntent()
	intent.Keep = keepFence
	_, err = do(ctx, r, plan.StepRelease, intent, func(ctx context.Context) (Unfenced, error) {
		if keepFence || r.Plan.Fence == plan.FenceWeak {
			return Unfenced{}, nil
		}
		return r.unfence(ctx)
	})
	return err
}
