package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/api/client"
	"gantry/migrate"
	"gantry/plan"
)

// actHelp is one step that a command begins.
type actHelp struct{ act, short, long string }

var acts = []actHelp{
	{"shadow", "Run the functions beside the old service, without effect, and compare",
		"Shadow gives the functions a group of their own, at the positions of the old one. What they\nwrite goes to TOPIC.shadow.NAME and is held against what the old service writes; effects are\noverridden or denied as the plan says. It goes on until gantry migrate end, or for as long as\n--for says; gantry migrate report shows what it found."},
	{"end", "End the shadow run that is under way, and write down what it showed",
		"End waits until both implementations are done with what is there, at most a minute."},
	{"cutover", "Take the old service's work over",
		"Cutover looks at everything first and changes nothing if there is a fault; then the old\nservice stops, is fenced, and the functions begin exactly where it ended. It returns when\nthe guards of the plan have watched for long enough. What fails after the old service was\nasked to stop goes back to it by itself."},
	{"rollback", "Give the work back to the old service, from any step",
		"Rollback stops the functions, puts the old group where the plan says (resume: behind what\nthe functions did; replay: where it had stopped), lifts the fence and starts the old\nservice. It lists what the functions did meanwhile."},
	{"rehearse", "Cut over and back at once, timed",
		"Rehearse is a whole cutover and a whole rollback, with the real service: its times are what\na prediction goes by afterwards."},
	{"resume", "Go on with what was under way when gantry died",
		"Resume goes on where the ledger ends: with a cutover, a watch or a rollback. A gantry that\nis started again does it by itself; after recover on another host it is the next step."},
	{"release", "End a migration: the fence is lifted, there is no way back",
		"Release lifts the fence and ends the migration. The old group's positions are not kept up\nany more."},
	{"abort", "End the step that is under way, and give the work back",
		"Abort cuts the step that is under way. Where the old service was asked to stop, its work is\ngiven back."},
}

func (a *app) migrateActCommand(h actHelp) *cobra.Command {
	var reason, approveBy string
	var skipTail, keep, dry, waive, accept bool
	var lasts time.Duration
	c := &cobra.Command{
		Use: h.act + " NAME --reason TEXT", Short: h.short,
		Long:    h.long + "\n\nThe step goes on when this command is ended: gantry migrate watch NAME shows it again.",
		Example: fmt.Sprintf("  gantry migrate %s orders --reason \"CHG-13\"", h.act), Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if dry && (h.act == "cutover" || h.act == "rehearse") {
				return a.predict(c, words[0], waive, accept)
			}
			if dry {
				return a.wouldDo(c, migrate.Act(h.act), words[0])
			}
			if strings.TrimSpace(reason) == "" {
				return usage(c, errors.New("--reason: is missing; say why, it goes to the ledger"))
			}
			body, err := json.Marshal(map[string]any{"act": h.act, "reason": reason, "skipTail": skipTail, "keepFence": keep, "withoutShadow": waive, "acceptRetention": accept, "approveBy": approveBy, "for": forText(lasts)})
			if err != nil {
				return err
			}
			return a.followRun(c, client.Request{Method: http.MethodPost, Path: migrationPath(words[0], "/run"), Body: body})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it goes to the ledger and the audit log")
	c.Flags().BoolVar(&dry, "dry-run", false, "show what it would ask of Kafka and of people (a cutover: also what it would meet and cost), and change nothing")
	if h.act == "cutover" || h.act == "rehearse" {
		c.Flags().BoolVar(&skipTail, "skip-tail", false, "begin behind what the old service may have processed and not committed")
	}
	if h.act == "cutover" || h.act == "rehearse" {
		c.Flags().StringVar(&approveBy, "approve-by", "", "key id of the second operator who says gantry migrate approve before anything is touched; default: the plan's")
		c.Flags().BoolVar(&waive, "without-shadow", false, "go on without what the plan's gates demand of a shadow run; the ledger keeps it with your reason")
		c.Flags().BoolVar(&accept, "accept-retention", false, acceptHelp)
	}
	if h.act == "shadow" {
		c.Flags().DurationVar(&lasts, "for", 0, "how long, such as 24h; 0 = until gantry migrate end")
	}
	if h.act == "release" {
		c.Flags().BoolVar(&keep, "keep-fence", false, "the old service's principal is retired instead")
	}
	return c
}

// wouldDo shows what an act would ask of Kafka and of people, where the migration stands now.
func (a *app) wouldDo(c *cobra.Command, act migrate.Act, name string) error {
	var m struct {
		State plan.State `json:"state"`
		Plan  plan.Plan  `json:"plan"`
	}
	if err := a.do(c.Context(), call{method: "GET", path: migrationPath(name), out: &m}); err != nil {
		return err
	}
	steps := migrate.Calls(act, m.Plan, m.State)
	return a.show(map[string]any{"act": act, "state": m.State, "steps": steps}, func(w io.Writer) {
		fmt.Fprintf(w, "plan %s is %s. %s would:\n\n%s\n", name, m.State, act, strings.Join(steps, "\n"))
	})
}

func forText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (a *app) migrateWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch NAME", Short: "Follow a step that is under way, from its beginning",
		Example: "  gantry migrate watch orders\n  gantry migrate abort orders --reason \"lag grows\"", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			return a.followRun(c, client.Request{Method: http.MethodGet, Path: migrationPath(words[0], "/run")})
		},
	}
}

// followRun shows a run line by line; a run that failed is a command that failed.
func (a *app) followRun(c *cobra.Command, q client.Request) error {
	var end migrate.Event
	err := a.streamOf(c, q, func(line []byte) error {
		return each(a, line, func(e migrate.Event) {
			if e.Done {
				end = e
			}
			fmt.Fprintln(a.Out, eventLine(e))
		})
	})
	if err != nil {
		return err
	}
	if end.Error != "" {
		return &exitError{code: 1}
	}
	return nil
}

// eventLine is an event for people.
func eventLine(e migrate.Event) string {
	at := e.At.Local().Format("15:04:05.000")
	switch {
	case e.Done && e.Error != "":
		return fmt.Sprintf("%s  FAILED  %s\n              the migration is %s", at, strings.ReplaceAll(e.Error, "\n", "\n              "), e.State)
	case e.Done:
		return fmt.Sprintf("%s  done    the migration is %s; the records belong to: %s", at, e.State, e.State.Owner())
	case e.Line != nil:
		return fmt.Sprintf("%s  %-10s %-8s %s", at, e.Line.Step, e.Line.Phase, gist(e.Line))
	}
	return fmt.Sprintf("%s  %s", at, e.Text)
}

// gist says the most important fact of a line.
func gist(l *plan.Line) string {
	var f struct {
		Error   string                     `json:"error"`
		Pause   time.Duration              `json:"pauseNs"`
		Took    time.Duration              `json:"tookNs"`
		Records *int64                     `json:"records"`
		Seams   []plan.Seam                `json:"seams"`
		Group   any                        `json:"group"`
		Again   []struct{ From, To int64 } `json:"again"`
	}
	_ = json.Unmarshal(l.Facts, &f)
	var said []string
	if f.Error != "" {
		said = append(said, f.Error)
	}
	if g, ok := f.Group.(string); ok && g != "" {
		said = append(said, "group "+g)
	}
	if f.Pause > 0 {
		said = append(said, "pause "+f.Pause.Round(time.Millisecond).String())
	}
	if f.Took > 0 {
		said = append(said, "took "+f.Took.Round(time.Millisecond).String())
	}
	if f.Records != nil {
		said = append(said, records(*f.Records))
	}
	if n := len(f.Seams); n > 0 && l.Phase == plan.Did {
		holds, again := 0, int64(0)
		for _, s := range f.Seams {
			if again += s.Again; s.Holds() {
				holds++
			}
		}
		said = append(said, fmt.Sprintf("%d of %d partitions: old end = new start", holds, n))
		said = append(said, twice(again)...)
	}
	again := int64(0)
	for _, of := range f.Again {
		again += of.To - of.From
	}
	said = append(said, twice(again)...)
	return strings.Join(said, ", ")
}

// twice says what a service that was removed in the middle of its work may have repeated.
func twice(n int64) []string {
	if n == 0 {
		return nil
	}
	return []string{"at most " + records(n) + " twice by the old service alone"}
}

func (a *app) migratePredictCommand() *cobra.Command {
	var waive, accept bool
	c := &cobra.Command{
		Use: "predict NAME", Short: "What a cutover would meet, cost and do: every fault, the pause, what comes twice",
		Example: "  gantry migrate predict orders", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error { return a.predict(c, words[0], waive, accept) },
	}
	c.Flags().BoolVar(&waive, "without-shadow", false, "as if the plan's gates were passed")
	c.Flags().BoolVar(&accept, "accept-retention", false, acceptHelp)
	return c
}

const acceptHelp = "go on where retention may remove unread records before the cutover and its watch are over; the ledger keeps it with your reason"

func (a *app) predict(c *cobra.Command, name string, waive, accept bool) error {
	var v prediction
	if err := a.do(c.Context(), call{method: "POST", path: migrationPath(name, "/predict"), in: map[string]bool{"withoutShadow": waive, "acceptRetention": accept}, out: &v}); err != nil {
		return err
	}
	if err := a.show(v, v.print); err != nil {
		return err
	}
	if len(v.Prediction.NoGo) > 0 {
		return &exitError{code: 1}
	}
	return nil
}

// prediction is what a cutover would meet and cost.
type prediction struct {
	Preflight struct {
		Class  string   `json:"class"`
		Why    string   `json:"why"`
		Notes  []string `json:"notes"`
		Faults []string `json:"faults"`

		Accepted []string `json:"accepted"`
	} `json:"preflight"`
	Prediction struct {
		Pause    time.Duration `json:"pauseNs"`
		From     time.Duration `json:"fromNs"`
		To       time.Duration `json:"toNs"`
		Basis    string        `json:"basis"`
		Tail     int64         `json:"tail"`
		Headroom time.Duration `json:"headroomNs"`
		Lag      int64         `json:"lag"`
		LagTime  time.Duration `json:"lagTimeNs"`
		NoGo     []string      `json:"noGo"`
	} `json:"prediction"`
	Steps []string `json:"steps"`
}

func (v prediction) print(w io.Writer) {
	p := v.Prediction
	row(w, "the old group is a", fmt.Sprintf("%s (%s)", v.Preflight.Class, v.Preflight.Why))
	row(w, "pause", fmt.Sprintf("about %s (%s to %s): %s", round(p.Pause), round(p.From), round(p.To), p.Basis))
	row(w, "processed twice", fmt.Sprintf("at most %s", records(p.Tail)))
	row(w, "lag", fmt.Sprintf("%s, %s", records(p.Lag), round(p.LagTime)))
	if p.Headroom > 0 {
		row(w, "until retention", round(p.Headroom))
	}
	for _, n := range v.Preflight.Notes {
		row(w, "note", n)
	}
	for _, n := range v.Preflight.Accepted {
		row(w, "accepted", n)
	}
	if len(p.NoGo) > 0 {
		fmt.Fprintf(w, "\nNO-GO:\n%s\n", indent(strings.Join(p.NoGo, "\n")))
		return
	}
	fmt.Fprintf(w, "\nGO. A cutover would:\n%s\n", indent(strings.Join(v.Steps, "\n")))
}

func round(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

func (a *app) migrateApproveCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "approve NAME --reason TEXT", Short: "Say yes to a step that waits: as the second operator, or that something was done",
		Example: "  gantry migrate approve orders --reason \"CHG-13, seen\"", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if err := a.do(c.Context(), call{method: "POST", path: migrationPath(words[0], "/approve"), in: map[string]string{"reason": reason}}); err != nil {
				return err
			}
			return a.tell(map[string]string{"approved": words[0]}, "said; the step goes on")
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it goes to the audit log")
	return c
}
