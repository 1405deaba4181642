package cutover

import (
	"context"
	"fmt"
	"time"

	"gantry/plan"
)

// handover gives the new group its positions. The broker refuses it while the group has
// members, and it is read back: what the mapping is going to find is what was meant.
func (r *run) handover(ctx context.Context, seams []plan.Seam) (Handed, error) {
	group, to := r.Plan.CutoverGroup(), newStarts(seams)
	h := Handed{Group: group, Seams: seams}
	if err := r.commit(ctx, group, to); err != nil {
		return h, err
	}
	return h, nil
}

func (r *run) commit(ctx context.Context, group string, to plan.Offsets) error {
	if err := r.Admin.Commit(ctx, group, committable(to)); err != nil {
		return err
	}
	found, err := r.committed(ctx, group)
	if err != nil {
		return err
	}
	var wrong error
	each(to, func(topic string, p int32, at int64) {
		if is, ok := found.At(topic, p); (!ok || is != at) && wrong == nil {
			wrong = fmt.Errorf("group %s got offset %d in %s and shows %d: somebody else moves it", group, at, named(topic, p), is)
		}
	})
	return wrong
}

// start lets the functions work.
func (r *run) start(ctx context.Context) (Started, error) {
	s := Started{Group: r.Plan.CutoverGroup(), Outputs: r.outputEnds(ctx), At: time.Now()}
	if err := r.Mappings.Enable(ctx, s.Group); err != nil {
		return s, fmt.Errorf("enable the mapping: %w", err)
	}
	return s, nil
}
