package shadow_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/plan"
)

const denied = `{ kind: http, name: mail, target: "MAIL", shadow: denied, enforcement: enforced }`

// Functions that do what the service does pass, with their coverage and what that many
// comparisons are worth; gantry is killed in the middle and goes on. The mail they try to
// send never leaves, the service notices nothing, and a cutover may begin.
func TestACleanOnePasses(t *testing.T) {
	c := kafkatest.Shared(t)
	w := newWorld(t, c, options{effects: denied, compared: 2500})
	said, code := w.g.CLI("migrate", "cutover", w.name, "--reason", "too early")
	require.NotZero(t, code)
	require.Contains(t, said, "no shadow run has shown")

	go w.g.CLI("migrate", "shadow", w.name, "--reason", "CHG-1")
	w.await("something was compared", func() bool { return w.state() == "Shadowing" && compared(w) > 200 })
	w.g.Kill()
	w.g.Up()
	w.await("it goes on, and enough was compared", func() bool { return compared(w) > 4000 })
	t.Log(w.g.MustCLI("migrate", "end", w.name, "--reason", "CHG-1"))
	require.Equal(t, "Shadowed", w.state())

	s := w.report()
	t.Log(w.g.MustCLI("migrate", "report", w.name, "--html", t.TempDir()+"/report.html"))
	require.True(t, s.Passed, "%+v", s.Gates)
	require.True(t, s.Over)
	out := s.Outputs[0]
	require.Equal(t, out.Judged(), out.Masked, "what is left out is left out of each: %+v", out)
	require.Equal(t, customers, s.Coverage.Keys)
	require.InDelta(t, 3/float64(out.Judged()), out.Upper, 1/float64(out.Judged()), "the rule of three")
	require.Greater(t, s.Inputs, int64(2500))
	require.Contains(t, s.NotCompared[0].What, "mail")
	require.False(t, s.NotCompared[0].NotEnforced)
	require.Zero(t, w.mail.came.Load(), "mail left")
	w.untouched()
	require.Contains(t, w.g.MustCLI("migrate", "predict", w.name), "GO. A cutover would:")

	require.NoError(t, os.WriteFile(filepath.Join(w.code, "prices.json"), []byte("{}"), 0o600))
	said, code = w.g.CLI("migrate", "predict", w.name)
	require.NotZero(t, code, "the folder is edited in place: these are other functions")
	require.Contains(t, said, "function bill: its code was "+s.Revisions[0].Code[:12])
}

func compared(w *world) (n int64) {
	var s plan.Shadow
	text, _ := w.g.CLI("migrate", "report", w.name, "-o", "json")
	if json.Unmarshal([]byte(text), &s) != nil { // there is none yet
		return 0
	}
	for _, o := range s.Outputs {
		n += o.Judged()
	}
	return n
}

// untouched says that the old service has done its work alone: every bill in its topic is its
// own, and its group is its own.
func (w *world) untouched() {
	w.t.Helper()
	made := w.made.Load()
	w.await("the old service has caught up", func() bool {
		var n int64
		for _, at := range w.c.Committed(w.t, w.group, w.in) {
			n += at
		}
		return n >= made
	})
	bills := w.written(w.out)
	require.GreaterOrEqual(w.t, bills, made)
	require.LessOrEqual(w.t, bills, w.made.Load(), "somebody else wrote bills")
	require.True(w.t, w.old.Running())
}

// What is wrong with the functions is found, counted and shown, one fault or several at
// once, and a cutover is refused.
func TestPlantedFaultsAreFound(t *testing.T) {
	c := kafkatest.Shared(t)
	for _, bugs := range [][]string{{"total", "missing", "order"}, {"total"}, {"missing"}, {"order"}} {
		t.Run(strings.Join(bugs, ","), func(t *testing.T) {
			if len(bugs) == 1 && kafkatest.Size(0, 1) == 0 {
				t.Skip("a case of make full")
			}
			found(t, c, bugs)
		})
	}
}

func found(t *testing.T, c *kafkatest.Cluster, bugs []string) {
	w := newWorld(t, c, options{bug: strings.Join(bugs, ","), compared: 10})
	go w.g.CLI("migrate", "shadow", w.name, "--reason", "CHG-2", "--for", "20s")
	w.await("it has ended by itself", func() bool { return w.state() == "Shadowed" })
	text, code := w.g.CLI("migrate", "report", w.name)
	t.Log(text)
	require.Equal(t, 1, code)
	said, code := w.g.CLI("migrate", "cutover", w.name, "--reason", "CHG-3")
	require.NotZero(t, code)
	require.Contains(t, said, "did not pass")

	out := w.report().Outputs[0]
	bad := map[string]struct {
		kind  plan.DifferenceKind
		count int64
		paths []string
	}{
		"total": {plan.DifferentFields, out.Different, []string{"total"}}, "missing": {plan.MissingOutput, out.Missing, nil},
		"order": {plan.OtherOrder, out.Reordered, nil},
	}
	sum := out.Masked
	for _, bug := range bugs {
		want := bad[bug]
		sum += want.count
		i := slices.IndexFunc(out.Differences, func(d plan.Difference) bool { return d.Kind == want.kind })
		require.GreaterOrEqual(t, i, 0, "%s: %+v", bug, out)
		require.Equal(t, want.count, out.Differences[i].Count)
		require.Equal(t, want.paths, out.Differences[i].Paths)
		require.NotEmpty(t, out.Differences[i].Samples)
		if bug == "total" {
			require.Contains(t, text, "+total: ")
			require.Equal(t, 1, out.Differences[i].Keys)
		}
	}
	require.Len(t, out.Differences, len(bugs), "nothing else is wrong: %+v", out)
	require.Equal(t, out.Judged(), sum, "nothing else is wrong: %+v", out)
	w.untouched()
}

// A run without a network namespace says so beside the effect. What differs between two runs
// of the old code is masked. A run that is aborted leaves nothing.
func TestADeclaredEffectIsSaidNotToBeEnforced(t *testing.T) {
	w := newWorld(t, kafkatest.Shared(t), options{effects: `{ kind: http, name: mail, target: "MAIL", shadow: denied, enforcement: declared }`, compared: 10, second: true})
	go w.g.CLI("migrate", "shadow", w.name, "--reason", "CHG-4")
	w.await("something was compared", func() bool { return compared(w) > 20 })
	w.await("the masks are known", func() bool { o := w.report().Outputs[0]; return len(o.Masks) == 2 && o.Different == 0 })
	s := w.report()
	require.True(t, s.NotCompared[0].NotEnforced)
	require.Equal(t, s.Outputs[0].Judged(), s.Outputs[0].Masked, "%+v", s.Outputs[0])
	require.Contains(t, s.Outputs[0].Masks[0].Why, "old", "%+v", s)
	w.g.MustCLI("migrate", "abort", w.name, "--reason", "enough")
	w.await("it is as if it had never been", func() bool { return w.state() == "Planned" })
	require.Eventually(t, func() bool { return w.members(w.group+".shadow."+w.name) == 0 }, time.Minute, 100*time.Millisecond)
}
