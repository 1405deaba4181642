package cutover

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// Exec runs a hook as a process of its own, with env beside gantry's environment. The end
// of what it printed is in its error.
func Exec(ctx context.Context, command []string, env map[string]string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		said := out.Bytes()
		return fmt.Errorf("%s: %w: %s", command[0], err, said[max(0, len(said)-500):])
	}
	return nil
}

// hook runs a command of the plan. It may come twice: a hook must bear that.
func (r *run) hook(ctx context.Context, step plan.Step, command []string) error {
	ctx, cancel := context.WithTimeout(ctx, r.Plan.Stop.Wait)
	defer cancel()
	return r.Hook(ctx, command, map[string]string{
		"GANTRY_PLAN": r.Plan.Name, "GANTRY_STEP": string(step), "GANTRY_GROUP": r.Plan.Service.Group, "GANTRY_CLUSTER": r.Plan.Service.Cluster,
	})
}

// lingering is how long members that never leave by themselves are waited for when the stop
// hook has returned: static ones stay until their session is over.
const lingering = 300 * time.Millisecond

// stop asks the old service to stop and waits until its group is empty. Members that are
// left when the time is over are what the fence is for.
func (r *run) stop(ctx context.Context) (Stopped, error) {
	if err := r.Mappings.Prepare(ctx, r.Plan.CutoverGroup()); err != nil {
		return Stopped{}, fmt.Errorf("make the mapping: %w", err)
	}
	group := r.Plan.Service.Group
	s := Stopped{Began: time.Now()}
	enough := func([]kafka.Member) bool { return false }
	if hook := r.Plan.Stop.Hook; len(hook) > 0 {
		if err := r.hook(ctx, plan.StepStop, hook); err != nil {
			return s, fmt.Errorf("the stop hook failed: %w", err)
		}
		since := time.Now()
		enough = func(members []kafka.Member) bool { return time.Since(since) > lingering && allStatic(members) }
	} else {
		r.Tell(fmt.Sprintf("stop the service of group %s now; gantry waits %s for its members to leave", group, r.Plan.Stop.Wait))
	}
	left, err := r.emptyBut(ctx, group, r.Plan.Stop.Wait-time.Since(s.Began), r.counting(s.Began, enough))
	if err != nil {
		return s, err
	}
	s.Took, s.Left, s.Graceful = time.Since(s.Began), len(left), len(left) == 0
	s.Alive = s.Left > 0 && (len(r.Plan.Stop.Hook) == 0 || !allStatic(left))
	if s.Alive {
		r.Tell(fmt.Sprintf("%d members of group %s did not leave within %s: the fence removes them", s.Left, group, r.Plan.Stop.Wait))
	}
	return s, nil
}

// counting says from time to time how many members are left, and how long they have still.
func (r *run) counting(began time.Time, enough func([]kafka.Member) bool) func([]kafka.Member) bool {
	told := began
	return func(members []kafka.Member) bool {
		if time.Since(told) >= 10*time.Second {
			told = time.Now()
			r.Tell(fmt.Sprintf("%d members of group %s have %s still to leave", len(members), r.Plan.Service.Group, (r.Plan.Stop.Wait - time.Since(began)).Round(time.Second)))
		}
		return enough(members)
	}
}

func allStatic(members []kafka.Member) bool {
	for _, m := range members {
		if m.InstanceID == "" {
			return false
		}
	}
	return true
}
