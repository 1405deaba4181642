package cutover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
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
		w.givenBack(err, "something starts the old service again")
		cancel()
		<-ended
		w.settled(oldGroup)
		w.nothingLost() // it does some records again, each time it was thrown out in the middle of them
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

// transaction commits offsets of the old group in a transaction that stays open for a while.
func (w *world) transaction(open time.Duration, offset int64) (ended chan error) {
	p, err := kafka.NewProducer(kafka.Cluster{Brokers: w.fake.Brokers(), Dial: w.fake.Dial, Mechanism: kafka.Plain, Login: func(context.Context) (kafka.Login, error) {
		return kafka.Login{User: "gantry", Password: "pw"}, nil
	}})
	require.NoError(w.t, err)
	ended = make(chan error, 1)
	begun := make(chan struct{})
	tx := p.Transactor(kafka.TransactorConfig{ID: "tx-1", Timeout: time.Minute, Between: func() { close(begun); time.Sleep(open) }})
	go func() {
		defer p.Close()
		defer tx.Close()
		ended <- tx.Commit(context.Background(), kafka.Transaction{
			Records: []record.Output{{Topic: "invoices", Value: []byte("x")}}, Group: oldGroup, Generation: -1,
			Offsets: map[record.Partition]record.Offset{{Topic: topic}: {At: offset, Epoch: -1}},
		})
	}()
	<-begun
	return ended
}

func TestOffsetsInAnOpenTransaction(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.old.stop()
		w.rest()
		at := w.committed(oldGroup)[0]
		ended := w.transaction(20*time.Second, at)
		w.refusedCut("offsets of the group are part of an open transaction")
		require.NoError(w.t, <-ended)

		hook := w.hook
		w.edit = func(c *cutover.Config) {
			c.Hook = func(ctx context.Context, command []string, env map[string]string) error {
				if command[0] == "stop-billing" {
					ended = w.transaction(12*time.Second, at)
				}
				return hook(ctx, command, env)
			}
		}
		proof := w.mustCut()
		require.NoError(w.t, <-ended)
		require.Greater(w.t, proof.Pause, 12*time.Second, "it waits, and never commits over it")
		require.True(w.t, w.saidAny("the positions wait for an open transaction"))
		require.Equal(w.t, at, proof.Seams[0].OldEnd)
	})
}

func TestAPartitionIsAddedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, way := range []plan.Reset{plan.ResetEarliest, plan.ResetLatest} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.plan.Service.NoPosition = way
				w.running()
				hook := w.hook
				w.edit = func(c *cutover.Config) {
					c.Hook = func(ctx context.Context, command []string, env map[string]string) error {
						err := hook(ctx, command, env)
						w.grow()
						return err
					}
				}
				proof := w.mustCut()
				require.Len(w.t, proof.Seams, partitions+1)
				require.EqualValues(w.t, 0, proof.Seams[partitions].NewStart, "a new partition begins at its oldest record")
				w.settled(w.plan.NewGroup())
				w.judge(tail(proof))
			})
		})
	}
}

func (w *world) grow() {
	done, err := w.kadm().UpdatePartitions(context.Background(), partitions+1, topic)
	require.NoError(w.t, errors.Join(err, done.Error()))
	cl := w.fake.Client(w.t, login("gantry"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond))
	for range 3 {
		r := &kgo.Record{Topic: topic, Partition: partitions, Value: []byte("x")}
		require.NoError(w.t, cl.ProduceSync(context.Background(), r).FirstErr())
		w.mu.Lock()
		w.sent["4/"+string(rune('0'+r.Offset))] = true
		w.mu.Unlock()
	}
}

// After a week in which it was empty the old group has expired: the journal has its positions.
func TestTheOldGroupExpired(t *testing.T) {
	t.Parallel()
	for _, way := range []plan.Rollback{plan.Resume, plan.Replay} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.plan.Rollback = way
				w.running()
				proof := w.mustCut()
				gone, err := w.kadm().DeleteGroup(w.t.Context(), oldGroup)
				require.NoError(w.t, errors.Join(err, gone.Err))
				require.Empty(w.t, w.committed(oldGroup))
				back, err := w.protocol().Rollback(w.t.Context(), "")
				require.NoError(w.t, err)
				twice := tail(proof)
				for _, s := range back.Seams {
					if way == plan.Replay {
						twice[s.Partition] = [2]int64{s.NewStart, s.OldEnd}
					}
				}
				w.settled(oldGroup)
				w.judge(twice)
			})
		})
	}
}

func TestTheFunctionsCantTakeOver(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.new.faults = []string{"the mapping resets positions that are missing (auto.offset.reset=latest): only none may be", "Read on topic orders is not allowed"}
		w.refusedCut("auto.offset.reset=latest", "Read on topic orders is not allowed", "2 faults")
	})
}

func TestRetentionHasPassedTheGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.old.stop()
		time.Sleep(10 * time.Second)
		to := kadm.Offsets{}
		to.AddOffset(topic, 0, w.committed(oldGroup)[0]+7, -1)
		_, err := w.kadm().DeleteRecords(w.t.Context(), to)
		require.NoError(w.t, err)
		w.refusedCut("retention has removed 7 records it has not read")
	})
}

func TestRetentionIsAboutToPassTheGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, err := w.kadm().AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: kadm.StringPtr("40000")}}, topic)
		require.NoError(w.t, err)
		w.running()
		w.refusedCut("retention reaches the group's position in", "keep the topic's records longer")
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
