package cutover_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/migrate/cutover"
	"gantry/plan"
)

// Each way in which a cutover is known to go wrong, provoked, and what its guard does.

func (w *world) kadm() *kadm.Client { return kadm.NewClient(w.fake.Client(w.t, login("gantry"))) }

func (w *world) mustCut() cutover.Proof {
	w.t.Helper()
	proof, err := w.protocol().Cutover(w.t.Context())
	require.NoError(w.t, err)
	return proof
}

// refusedCut must fail with texts and must not have touched the old service.
func (w *world) refusedCut(texts ...string) {
	w.t.Helper()
	_, err := w.protocol().Cutover(w.t.Context())
	for _, text := range texts {
		require.ErrorContains(w.t, err, text)
	}
	require.False(w.t, w.ledger.has(plan.StepStop, plan.Intends))
	require.False(w.t, w.new.on(w.plan.CutoverGroup()))
	_, err = w.protocol().Rollback(w.t.Context(), "")
	require.ErrorIs(w.t, err, cutover.ErrNothing)
}

// givenBack must be an error after which the old service owns the work again.
func (w *world) givenBack(err error, text string) cutover.Returned {
	w.t.Helper()
	var back *cutover.RolledBackError
	require.ErrorAs(w.t, err, &back)
	require.ErrorContains(w.t, err, text)
	require.NoError(w.t, back.Err)
	require.NotNil(w.t, back.Returned)
	require.Empty(w.t, w.denied())
	require.False(w.t, w.new.on(w.plan.CutoverGroup()))
	return *back.Returned
}

func sleeps(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func TestAZombieIsFenced(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.old.deaf, w.old.every = true, 500*time.Millisecond
		w.plan.Stop.Wait = 5 * time.Second
		w.running()
		proof := w.mustCut()
		require.True(w.t, w.saidAny("did not leave within 5s: the fence removes them"))
		time.Sleep(20 * time.Second)
		require.Zero(w.t, w.members(oldGroup), "it goes on trying and is refused")
		w.settled(w.plan.NewGroup())
		w.judge(tail(proof))
	})
}

func TestASupervisorThatStartsTheOldServiceAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.plan.Fence, w.plan.Stop.Wait = plan.FenceWeak, 10*time.Second
		w.running()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for sleeps(ctx, time.Second) {
				w.old.start()
			}
		}()
		_, err := w.protocol().Cutover(w.t.Context())
		back := w.givenBack(err, "something starts the old service again")
		cancel()
		<-ended
		w.settled(oldGroup)
		w.judge(again(back)) // some records again, each time it was thrown out in the middle of them
	})
}

func TestTheOldServiceIsStartedWhileTheGuardsWatch(t *testing.T) {
	t.Parallel()
	for _, fence := range []plan.Fence{plan.FenceStrong, plan.FenceWeak} {
		t.Run(string(fence), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.plan.Fence = fence
				w.running()
				proof := w.mustCut()
				at := w.committed(oldGroup)
				time.AfterFunc(5*time.Second, w.old.start)
				_, err := w.protocol().Watch(w.t.Context())
				if fence == plan.FenceStrong {
					require.NoError(w.t, err)
					require.Equal(w.t, at, w.committed(oldGroup))
					w.old.stop()
					w.settled(w.plan.NewGroup())
					w.judge(tail(proof))
					return
				}
				w.givenBack(err, "records are processed twice")
			})
		})
	}
}

func TestOnePrincipalForBoth(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.new.principal = "User:legacy"
		w.new.setup = func(s *service) { s.user = "legacy" }
		w.running()
		w.plan.Handover = plan.HandoverSame
		w.refusedCut("the functions log in as User:legacy, as the old service does")
		w.plan.Handover = plan.HandoverNew
		proof := w.mustCut()
		w.settled(w.plan.NewGroup())
		w.judge(tail(proof))
	})
}

func TestNoAuthorizer(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		for _, key := range []kmsg.Key{kmsg.DescribeACLs, kmsg.CreateACLs, kmsg.DeleteACLs} {
			w.fake.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
				w.fake.KeepControl()
				resp := req.ResponseKind()
				if d, ok := resp.(*kmsg.DescribeACLsResponse); ok {
					d.ErrorCode = 54 // SECURITY_DISABLED
				}
				return resp, nil, true
			})
		}
		w.refusedCut("fence: strong needs ACLs, and the cluster has no authorizer: plan fence: weak")
		w.plan.Fence = plan.FenceWeak
		proof := w.mustCut()
		w.settled(w.plan.NewGroup())
		w.judge(tail(proof))
	})
}

func TestADeadStaticMember(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.old.instance = "billing-1" // its client leaves it in the group when it stops
		w.running()
		began := time.Now()
		proof := w.mustCut()
		require.Less(w.t, proof.Pause, 5*time.Second, "the session of 10 s is not waited for")
		require.Less(w.t, time.Since(began), time.Minute)
		w.settled(w.plan.NewGroup())
		w.judge(tail(proof))
	})
}

// A record that always fails blocks its partition while the others go on.
func TestAPoisonRecord(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.plan.Guards.Unresolved, w.plan.Guards.LagFactor = 8*time.Second, 1000
		w.running()
		w.new.setup = func(s *service) { s.bad = w.committed(oldGroup)[0] + 100 }
		w.mustCut()
		_, err := w.protocol().Watch(w.t.Context())
		w.givenBack(err, "is it a record that always fails?")
	})
}

func TestFunctionsThatFail(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.new.setup = func(s *service) { s.failing = true }
		w.running()
		proof := w.mustCut()
		_, err := w.protocol().Watch(w.t.Context())
		back := w.givenBack(err, "records failed, and 1.0% may")
		require.Positive(w.t, back.Meanwhile.Records)
		w.settled(oldGroup)
		w.judge(tail(proof))
	})
}

func TestABatchThatStands(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.mustCut()
		w.new.oldest = 61 * time.Second
		_, err := w.protocol().Watch(w.t.Context())
		w.givenBack(err, "a batch is unresolved for 1m1s, and may be for 1m0s")
	})
}

func TestARebalanceStorm(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.plan.Guards.Watch, w.plan.Guards.LagFactor = time.Minute, 1000
		w.running()
		w.mustCut()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for sleeps(ctx, 1500*time.Millisecond) {
				g, err := w.admin.GroupState(context.Background(), w.plan.NewGroup())
				if err == nil {
					_, _ = w.admin.RemoveMembers(context.Background(), w.plan.NewGroup(), g.Members)
				}
			}
		}()
		seen, err := w.protocol().Watch(w.t.Context())
		cancel()
		<-ended
		require.NoError(w.t, err)
		require.Contains(w.t, seen.Alarms, "the functions' group changed its members 20 times: each change is a rebalance")
	})
}

// The functions are asked to begin where the old service committed, or, by a person's choice,
// behind what it may have processed.
func TestTheTailIsShown(t *testing.T) {
	t.Parallel()
	for _, skip := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.old.deaf, w.old.every, w.plan.Stop.Wait = true, 2*time.Second, 5*time.Second
			var shown cutover.Tail
			w.edit = func(c *cutover.Config) {
				c.SkipTail = func(_ context.Context, t cutover.Tail) (bool, error) { shown = t; return skip, nil }
			}
			w.running()
			proof := w.mustCut()
			require.Positive(w.t, shown.Records)
			require.Equal(w.t, shown.Records, shown.Likely, "it did not stop by itself")
			require.NotEmpty(w.t, shown.Keys)
			for _, s := range proof.Seams {
				require.True(w.t, s.Holds() || skip && s.NewStart == min(s.OldEnd+s.Tail, s.End), "%+v", s)
			}
			if !skip {
				w.settled(w.plan.NewGroup())
				w.judge(tail(proof))
			}
		})
	}
}

// Timestamps may say what they want: no position is found by them.
func TestClocksThatLie(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		cl := w.fake.Client(w.t, login("gantry"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for i := range 40 {
			r := &kgo.Record{Topic: topic, Partition: int32(i % partitions), Timestamp: time.Date(2100-i, 1, 1, 0, 0, 0, 0, time.UTC)}
			require.NoError(w.t, cl.ProduceSync(w.t.Context(), r).FirstErr())
		}
		w.running()
		proof := w.mustCut()
		w.settled(w.plan.NewGroup())
		w.judge(tail(proof))
	})
}

// A service that is back at once does what it had in hand again, before the seam. Whoever
// goes on after a death at the fence still knows where it stood before the first removal.
func TestBackBeforeTheFenceStands(t *testing.T) {
	t.Parallel()
	for name, dieAt := range map[string]int{"": 0, "gantry dies when the fence stands": fenceDid} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.old.deaf, w.old.every = true, 500*time.Millisecond
				w.timing.Poll = 2 * time.Second // between two removals it works
				w.plan.Stop.Wait = 5 * time.Second
				w.running()
				w.ledger.dieAt = dieAt
				var proof cutover.Proof
				w.live(func(bool) (err error) {
					proof, err = w.protocol().Cutover(w.t.Context())
					return err
				})
				w.settled(w.plan.NewGroup())
				w.judge(tail(proof))
				at := slices.IndexFunc(w.ledger.lines, func(l plan.Line) bool { return l.Step == plan.StepFence })
				var first cutover.Intent
				require.NoError(w.t, json.Unmarshal(w.ledger.lines[at].Facts, &first))
				for _, s := range proof.Seams {
					from, ok := first.From.At(topic, s.Partition)
					require.True(w.t, ok)
					require.Less(w.t, from, s.OldEnd, "it worked while the fence was set")
					require.Equal(w.t, from, s.OldEnd-s.Again)
				}
			})
		})
	}
}

// fenceDid is the number of the line that says that the fence stands: preflight, predict and
// stop wrote two each, and what the fence intends stands before it.
const fenceDid = 8
