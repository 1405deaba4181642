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

// fence keeps the old service away: its members are removed, it is denied, the denial is seen,
// and who came back meanwhile is removed. Denied members go on fetching, and removed ones come
// back: only both is a fence.
//
// The removal comes first where members have not left by themselves. A member learns that it
// is out from the answer to a heartbeat or a commit, drops its partitions and joins again,
// which takes a broker three seconds for a group that was empty; in them it is removed again.
// Denied first it would get another answer, that it may not, and Java's classic consumer then
// keeps its partitions and goes on for as long as its service polls.
func (r *run) fence(ctx context.Context, stopped Stopped) (Fenced, error) {
	f := Fenced{Grade: r.Plan.Fence}
	began := time.Now()
	every := r.Timing.Poll
	if r.Plan.Fence == plan.FenceWeak {
		every = r.Timing.Kick
	} else {
		out := r.remover(ctx, every)
		var err error
		if err = r.loosen(ctx, stopped); err == nil {
			f.Observed, err = r.deny(ctx)
		}
		out.end()
		f.Removed = out.count()
		if err != nil {
			return f, err
		}
	}
	denied := time.Now()
	n, err := r.removeAll(ctx, r.Plan.Service.Group, every)
	f.Removed += n
	f.Took, f.Emptied, f.At = time.Since(began), time.Since(denied), time.Now()
	return f, err
}

// loosen gives members that were removed the time to learn it.
func (r *run) loosen(ctx context.Context, stopped Stopped) error {
	if !stopped.Alive || r.Plan.Fence != plan.FenceStrong { // an operator takes longer than that
		return nil
	}
	return sleep(ctx, notice)
}

func (r *run) deny(ctx context.Context) (observed string, err error) {
	if r.Plan.Fence == plan.FenceOperator {
		return r.byOperator(ctx, true)
	}
	if err := r.Admin.DenyGroup(ctx, r.Plan.Service.Principal, r.Plan.Service.Group); err != nil {
		return "", err
	}
	return "acl", r.denied(ctx, true)
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

// keeper is a removal loop.
type keeper struct {
	removed atomic.Int64
	cancel  context.CancelFunc
	done    chan struct{}
}

// keepAway is what a weak fence is: it goes on until the cutover is proven, since a service
// that was not stopped, or that a supervisor starts again, comes back within seconds.
func (r *run) keepAway(ctx context.Context) *keeper {
	if r.Plan.Fence == plan.FenceWeak {
		return r.remover(ctx, r.Timing.Kick)
	}
	none := &keeper{cancel: func() {}, done: make(chan struct{})}
	close(none.done)
	return none
}

func (r *run) remover(ctx context.Context, every time.Duration) *keeper {
	ctx, cancel := context.WithCancel(ctx)
	k := &keeper{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		for {
			n, err := r.removeStrangers(ctx)
			k.removed.Add(int64(n))
			if err != nil && ctx.Err() == nil {
				r.Tell("the removal loop: " + err.Error()) // it tries again
			}
			if sleep(ctx, every) != nil {
				return
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
