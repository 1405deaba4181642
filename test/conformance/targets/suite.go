// Package targets is the one suite every place a function can run must pass: what
// function.Invoker promises, asked of a real function behind it.
//
// Flow: a Target opens an invoker in front of a function that behaves as the case
// needs; the suite invokes it and compares what the outcome says with what happened.
//
// Properties asked of every case: Succeeded and Failed mean that the function ran once;
// NotReached, TooLarge and Misconfigured mean that it did not run; nothing runs twice;
// the event's bytes are the caller's again as soon as Invoke has returned (the race
// detector looks).
package targets

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
)

// Behaviour is what the function of a case does when it is invoked.
type Behaviour string

// The behaviours. The second half needs something between gantry and the function.
const (
	Echo    Behaviour = "answers with its event"
	Nothing Behaviour = "returns without a value"
	Fails   Behaviour = "returns an error"
	Dies    Behaviour = "dies while it works"
	Hangs   Behaviour = "never returns"
	Babbles Behaviour = "answers more than the limit"

	Refuses     Behaviour = "listens to nobody"
	Throttles   Behaviour = "is throttled, come back in 7 s"
	Overloaded  Behaviour = "says 503"
	Redirects   Behaviour = "redirects to another place"
	Forbids     Behaviour = "does not let gantry call it"
	Missing     Behaviour = "is not there"
	TooBig      Behaviour = "takes no event of this size"
	CutUnread   Behaviour = "has its connection cut before the event is read"
	CutAfterRun Behaviour = "has its connection cut after it ran"
	HalfAnswer  Behaviour = "has its connection cut in its answer"
	BadGateway  Behaviour = "is behind a proxy that got no answer"
	AnswersLate Behaviour = "answers after the caller has gone"
	Drips       Behaviour = "answers byte by byte"
	Stalls      Behaviour = "takes no byte of its event"
	Hasty       Behaviour = "is refused before its event was read"
)

// Subject is an invoker in front of a function.
type Subject struct {
	function.Invoker
	Runs    func() int // how often the function has run to its end, or is known to have begun
	Arrived func() int // how many calls have come to where the function is
}

// Target is one place where functions run.
type Target struct {
	// Lacks names the behaviours that can't be had here, and why.
	Lacks map[Behaviour]string
	// LogTail: the function's log comes back where asked for.
	LogTail bool
	// Open makes a function that behaves so and has the given timeout, or the target's
	// usual one for 0. Its end belongs to t.Cleanup.
	Open func(t *testing.T, b Behaviour, timeout time.Duration) Subject
}

// bench is the place of one case: a target, and how the function behaves there.
type bench struct {
	Target
	behaviour Behaviour
}

func (b bench) open(t *testing.T, timeout time.Duration) Subject {
	return b.Open(t, b.behaviour, timeout)
}

// Run runs the suite.
func Run(t *testing.T, target Target) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if why, lacks := target.Lacks[c.behaviour]; lacks {
				t.Skipf("a function that %s: %s", c.behaviour, why)
			}
			c.run(t, bench{target, c.behaviour})
		})
	}
}

// invoke calls the subject and holds the outcome against what happened.
func invoke(t *testing.T, ctx context.Context, s Subject, in function.Invocation) function.Outcome {
	t.Helper()
	before, began := s.Runs(), time.Now()
	out := s.Invoke(ctx, in)
	ran := s.Runs() - before
	require.LessOrEqual(t, out.Elapsed, time.Since(began))
	require.Positive(t, out.Elapsed)
	require.LessOrEqual(t, ran, 1, "nothing runs twice")
	switch out.Class {
	case function.Succeeded:
		require.Equal(t, 1, ran)
		require.NotEmpty(t, out.Answer)
		require.Empty(t, out.FunctionError)
	case function.Failed:
		require.Equal(t, 1, ran)
		require.NotEmpty(t, out.Message)
	case function.Unknown:
		require.NotEmpty(t, out.Message)
	default:
		require.Zero(t, ran, "%v: %s", out.Class, out.Message)
		require.NotEmpty(t, out.Message)
		require.Empty(t, out.Answer)
	}
	require.Equal(t, out.Class == function.Misconfigured, out.Problem != "", "a mapping shows why it can't work")
	require.NotContains(t, out.Message, secret, "a message never shows the event")
	for i := range in.Payload {
		in.Payload[i] = '!'
	}
	return out
}

// secret is in every event of the suite.
const secret = "4111-1111"

func event() []byte { return []byte(`{"card":"` + secret + `"}`) }
