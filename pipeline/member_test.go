package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"gantry/function"
	"gantry/internal/rig"
)

// Two processes share a group. One is killed for good: its partitions move when its
// session is over, not before, and only what it had in flight is repeated.
func TestAKilledProcessGivesUpItsPartitionsAfterItsSession(t *testing.T) {
	bubble(t, 4, func(t *testing.T, r *rig.Rig) {
		var s seen
		m := starting(map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0})
		one := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(5 * time.Second)
		two := r.Start(rig.Spec{Name: "two", Mapping: m, Answer: s.ok})
		pass(30 * time.Second)
		for p := range int32(4) {
			r.Produce(records(p, 2)...)
		}
		pass(5 * time.Second)
		first := s.take()
		require.Len(t, first, 8, "each record once")
		require.Equal(t, 4, len(of("two", first)), "the partitions are shared")
		two.Kill()
		for p := range int32(4) {
			r.Produce(records(p, 1)...)
		}
		pass(5 * time.Second)
		require.Len(t, s.take(), 2, "the session is not over")
		pass(20 * time.Second)
		require.Len(t, of("one", s.take()), 2, "only what nobody had settled")
		require.NoError(t, one.Stop())
	})
}

func of(process string, list []string) []string {
	var out []string
	for _, s := range list {
		if strings.HasPrefix(s, process+" ") {
			out = append(out, s)
		}
	}
	return out
}

// A static member that was killed and comes back takes its partitions up at once; one
// that is stopped leaves them at once.
func TestAStaticMemberIsBackAtOnceAndLeavesAtOnce(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig.Rig) {
		var s seen
		m := starting(map[int32]int64{0: 0, 1: 0})
		one := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(5 * time.Second)
		one.Kill()
		r.Produce(records(0, 1)...)
		one = r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(time.Second)
		require.Equal(t, []string{"one 0/0"}, s.take())
		require.NoError(t, one.Stop())
		r.Produce(records(1, 1)...)
		two := r.Start(rig.Spec{Name: "two", Mapping: m, Answer: s.ok})
		pass(time.Second)
		require.Equal(t, []string{"two 1/0"}, s.take(), "no session to wait for")
		require.NoError(t, two.Stop())
	})
}

// slowly answers after d, unless it is cut before.
func slowly(d time.Duration, s *seen, cut *int) rig.Answer {
	return func(ctx context.Context, c rig.Call) function.Outcome {
		select {
		case <-time.After(d):
			s.note(c)
			return rig.OK()
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			*cut++
			return function.Outcome{Class: function.Unknown, Message: "cut"}
		}
	}
}

// On the way out an invocation has the function's timeout and half a minute to end.
func TestAStopDrainsWhatIsInFlightOrCutsIt(t *testing.T) {
	for _, c := range []struct {
		name      string
		takes     time.Duration
		cut       int
		committed int64
	}{
		{"it ends within the deadline", 25 * time.Second, 0, 1},
		{"it does not", 10 * time.Minute, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig.Rig) {
				var s seen
				cut := 0
				p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 0}), Answer: slowly(c.takes, &s, &cut)})
				r.Produce(records(0, 1)...)
				pass(2 * time.Second)
				began := time.Now()
				require.NoError(t, p.Stop())
				require.Less(t, time.Since(began), 50*time.Second)
				require.Equal(t, c.cut, cut)
				require.Equal(t, map[int32]int64{0: c.committed}, r.Fake.Committed(rig.Group, rig.Topic))
			})
		})
	}
}

// A partition that is taken away waits for its invocation, longer than a session, before
// it changes hands: the other process does not repeat it.
func TestARebalanceWaitsForASlowInvocation(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig.Rig) {
		var s seen
		cut := 0
		m := starting(map[int32]int64{0: 0, 1: 0})
		one := r.Start(rig.Spec{Mapping: m, Answer: slowly(25*time.Second, &s, &cut)})
		pass(3 * time.Second)
		r.Produce(append(records(0, 1), records(1, 1)...)...)
		pass(time.Second)
		two := r.Start(rig.Spec{Name: "two", Mapping: m, Answer: s.ok})
		pass(2 * time.Minute)
		require.ElementsMatch(t, []string{"one 0/0", "one 1/0"}, s.take())
		require.Zero(t, cut)
		r.Produce(append(records(0, 1), records(1, 1)...)...)
		pass(time.Minute)
		require.Len(t, of("two", s.take()), 1, "one partition has moved")
		require.NoError(t, two.Stop())
		require.NoError(t, one.Stop())
	})
}

// A member that takes another's instance id fences it: the pipeline says so.
func TestAFencedInstanceShowsWhy(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var s seen
		m := starting(map[int32]int64{0: 0})
		one := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(5 * time.Second)
		twin := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		fenced := false
		for range 60 {
			pass(time.Second)
			for _, p := range []*rig.Process{one, twin} {
				if cause := p.Pipe.Snapshot().Cause; cause != nil {
					require.ErrorIs(t, cause, kerr.FencedInstanceID)
					fenced = true
				}
			}
		}
		require.True(t, fenced)
		twin.Kill()
		one.Kill()
	})
}
