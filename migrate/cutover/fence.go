package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// fenceIntent is written before the fence is set, with the lines that undo it: whoever finds
// the journal and no gantry can let the old service back.
func (r *run) fenceIntent() Intent {
	i := Intent{Group: r.Plan.Service.Group, Grade: r.Plan.Fence}
	if r.Plan.Fence == plan.FenceWeak {
		return i
	}
	i.Deny = r.Plan.Service.Principal
	i.Undo = []string{r.aclLine("--remove --force")}
	if r.Plan.Fence == plan.FenceOperator {
		i.Do = []string{r.aclLine("--add")}
	}
	return i
}

func (r *run) aclLine(verb string) string {
	servers := r.Servers
	if servers == "" {
		servers = "BROKER:9092"
	}
	return fmt.Sprintf("kafka-acls --bootstrap-server %s %s --deny-principal '%s' --operation Read --group '%s' --resource-pattern-type literal",
		servers, verb, r.Plan.Service.Principal, r.Plan.Service.Group)
}

// fence keeps the old service away: it denies, sees the refusal, and removes the members.
// Denied members go on fetching, and removed ones come back: only both is a fence.
func (r *run) fence(ctx context.Context) (Fenced, error) {
	f := Fenced{Grade: r.Plan.Fence}
	began := time.Now()
	var err error
	every := r.Timing.Poll
	switch r.Plan.Fence {
	case plan.FenceStrong:
		if err = r.Admin.DenyGroup(ctx, r.Plan.Service.Principal, r.Plan.Service.Group); err == nil {
			f.Observed, err = "acl", r.denied(ctx, true)
		}
	case plan.FenceOperator:
		f.Observed, err = r.byOperator(ctx, true)
	case plan.FenceWeak:
		every = r.Timing.Kick
	}
	if err != nil {
		return f, err
	}
	f.Removed, err = r.removeAll(ctx, r.Plan.Service.Group, every)
	f.Took, f.At = time.Since(began), time.Now()
	return f, err
}

// denied waits until the ACL is there, or gone.
func (r *run) denied(ctx context.Context, wanted bool) error {
	until := time.Now().Add(r.Plan.Stop.Wait)
	for {
		who, err := r.Admin.DeniedGroup(ctx, r.Plan.Service.Group)
		if err != nil || slices.Contains(who, r.Plan.Service.Principal) == wanted {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("after %s the cluster still does not show the ACL as it should be: denied %v, want %s denied: %t", r.Plan.Stop.Wait, who, r.Plan.Service.Principal, wanted)
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return err
		}
	}
}

// byOperator prints the line and waits until its effect is seen, or people say that it is
// there where gantry may not look.
func (r *run) byOperator(ctx context.Context, wanted bool) (observed string, err error) {
	line := r.aclLine("--add")
	if !wanted {
		line = r.aclLine("--remove --force")
	}
	r.Tell("run this line now, gantry waits for its effect:\n" + line)
	err = r.denied(ctx, wanted)
	var blind *kafka.Denied
	if !errors.As(err, &blind) {
		return "acl", err
	}
	if r.Confirm == nil {
		return "", fmt.Errorf("whether the line was run can't be seen, and nobody can be asked: %w", err)
	}
	return "confirmed", r.Confirm(ctx, "this line was run: "+line)
}

// removeAll removes members until there are none that are not the mapping's, and gives how
// many it removed.
func (r *run) removeAll(ctx context.Context, group string, every time.Duration) (int, error) {
	until := time.Now().Add(r.Plan.Stop.Wait)
	removed := 0
	var failed error
	for {
		g, err := r.Admin.GroupState(ctx, group)
		if err != nil {
			return removed, err
		}
		if free(g) {
			return removed, nil
		}
		if time.Now().After(until) {
			return removed, errors.Join(fmt.Errorf("group %s still has %d members after %s", group, len(g.Members), r.Plan.Stop.Wait), failed)
		}
		n, err := r.Admin.RemoveMembers(ctx, group, g.Members)
		removed += n
		if err != nil {
			failed = err // they go as well when their sessions are over
		}
		if err := sleep(ctx, every); err != nil {
			return removed, err
		}
	}
}

// keeper is the removal loop of a weak fence. It goes on until the cutover is proven: a
// service that was not stopped, or that a supervisor starts again, comes back within seconds.
type keeper struct {
	removed atomic.Int64
	cancel  context.CancelFunc
	done    chan struct{}
}

func (r *run) keepAway(ctx context.Context) *keeper {
	ctx, cancel := context.WithCancel(ctx)
	k := &keeper{cancel: cancel, done: make(chan struct{})}
	if r.Plan.Fence != plan.FenceWeak {
		close(k.done)
		return k
	}
	go func() {
		defer close(k.done)
		for sleep(ctx, r.Timing.Kick) == nil {
			n, err := r.removeStrangers(ctx)
			k.removed.Add(int64(n))
			if err != nil && ctx.Err() == nil {
				r.Tell("the removal loop: " + err.Error()) // it tries again
			}
		}
	}()
	return k
}

// removeStrangers removes members of the old group that are not the mapping's.
func (r *run) removeStrangers(ctx context.Context) (int, error) {
	g, err := r.Admin.GroupState(ctx, r.Plan.Service.Group)
	if err != nil {
		return 0, err
	}
	return r.Admin.RemoveMembers(ctx, r.Plan.Service.Group, r.strangers(g))
}

func (r *run) strangers(g kafka.Group) []kafka.Member {
	return slices.DeleteFunc(slices.Clone(g.Members), r.Mappings.Owns)
}

func (k *keeper) count() int { return int(k.removed.Load()) }

// end stops the loop and waits for it.
func (k *keeper) end() {
	k.cancel()
	<-k.done
}
