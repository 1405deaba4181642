package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) statusCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "status", Short: "Show what this gantry runs, the worst first, and what to type",
		Long: `Status is one screen. First every partition that does not get on: the offset it stands at,
since when, how often it was tried, the error, how long the records are still kept, how far
the group is behind, and the commands to type. Then the mappings, the worst first.`,
		Example: "  gantry status\n  gantry status --all\n  gantry status -o json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var s struct {
				Version  string         `json:"version"`
				Process  string         `json:"process"`
				Listen   string         `json:"listen"`
				Started  time.Time      `json:"startedAt"`
				Standing []standingLine `json:"standing"`
				Mappings []mappingLine  `json:"mappings"`
				Async    []asyncLine    `json:"async"`
				AWS      []identityLine `json:"aws"`
			}
			return a.fetch(c.Context(), "/gantry/v1/status", &s, func(w io.Writer) {
				fmt.Fprintf(w, "gantry %s on %s, up since %s\n\n", s.Version, s.Listen, s.Started.Format(time.RFC3339))
				printStanding(w, s.Standing, all)
				printIdentities(w, s.AWS)
				printAsync(w, s.Async)
				printMappings(w, s.Mappings)
				printProblems(w, s.Mappings, s.Standing)
				printHandedOver(w, s.Mappings)
				printDeadLetters(w, s.Mappings)
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every partition that stands, not only the first of each mapping in detail")
	return c
}

// standingLine is a partition that does not get on.
type standingLine struct {
	UUID      string    `json:"uuid"`
	Mapping   string    `json:"mapping"`
	Function  string    `json:"function"`
	Several   bool      `json:"severalFunctions"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Since     time.Time `json:"since"`
	Attempts  int       `json:"attempts"`
	Retry     time.Time `json:"retry"`
	Problem   string    `json:"problem"`
	Error     string    `json:"error"`
	Lag       int64     `json:"lag"`
	Left      *float64  `json:"leftSeconds"`
	Commands  []string  `json:"commands"`
}

// printStanding shows what stands: a table of all, then errors and commands for the worst
// of each mapping, since the others mostly say the same.
func printStanding(w io.Writer, standing []standingLine, all bool) {
	if len(standing) == 0 {
		return
	}
	fmt.Fprintf(w, "%d partition%s not getting on, the worst first:\n", len(standing), map[bool]string{true: " is", false: "s are"}[len(standing) == 1])
	row(w, "MAPPING", "PARTITION", "OFFSET", "STANDS SINCE", "ATTEMPTS", "PROBLEM", "KEPT FOR", "LAG")
	for _, s := range standing {
		row(w, s.called(), fmt.Sprintf("%s-%d", s.Topic, s.Partition), s.Offset, ago(s.Since), s.Attempts, s.Problem, keptFor(s), orDash(s.Lag))
	}
	seen := map[string]bool{}
	for _, s := range standing {
		if seen[s.UUID+s.Function] && !all {
			continue
		}
		seen[s.UUID+s.Function] = true
		fmt.Fprintf(w, "\n%s, %s-%d at offset %d: %s\n", s.called(), s.Topic, s.Partition, s.Offset, strings.TrimSpace(s.Error))
		for _, command := range s.Commands {
			fmt.Fprintf(w, "  %s\n", command)
		}
	}
	fmt.Fprintln(w)
}

// called is the mapping, with the function that stands where it has several.
func (s standingLine) called() string {
	if s.Several {
		return s.Mapping + " to " + s.Function
	}
	return s.Mapping
}

// keptFor is the time until retention reaches what a partition stands at.
func keptFor(s standingLine) string {
	switch {
	case s.Left == nil:
		return "-"
	case *s.Left <= 0:
		return "it may be gone"
	}
	return inDays(time.Duration(*s.Left * float64(time.Second)))
}

// inDays is a long time as people say it.
func inDays(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

func printMappings(w io.Writer, mappings []mappingLine) {
	if len(mappings) == 0 {
		fmt.Fprintln(w, "no mappings yet; make one with: gantry apply -f gantry.yaml")
		return
	}
	row(w, "MAPPING", "TOPIC", "FUNCTION", "STATE", "LAST RESULT", "POLLED", "LAG", "WAITING", "IN FLIGHT", "BLOCKED")
	for _, m := range mappings {
		row(w, m.called(), strings.Join(m.Topics, ", "), m.Function, m.State, m.Result, m.Polled, m.behind(), m.Waiting, m.InFlight, m.Blocked)
	}
}

// printHandedOver says which mappings gave their groups away, and how they come back.
func printHandedOver(w io.Writer, mappings []mappingLine) {
	for _, m := range mappings {
		if m.HandedOver != "" {
			fmt.Fprintf(w, "\n%s: %s; it stays off here. When AWS's mapping is disabled and the group is empty it comes back with\n  gantry resume %s\n", m.called(), m.HandedOver, m.called())
		}
	}
}

// printDeadLetters says which mappings gave records up since they run here, and what to type.
func printDeadLetters(w io.Writer, mappings []mappingLine) {
	for _, m := range mappings {
		if m.DeadLetters > 0 {
			fmt.Fprintf(w, "\n%s: %s became dead letters since it runs here\n  gantry deadletters list %s\n", m.called(), records(m.DeadLetters), m.called())
		}
	}
}

// printProblems says what is wrong with mappings of which no partition stands, where, and
// what to type.
func printProblems(w io.Writer, mappings []mappingLine, standing []standingLine) {
	told := map[string]bool{}
	for _, s := range standing {
		told[s.UUID] = true
	}
	for _, m := range mappings {
		if m.Detail == "" || told[m.UUID] {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n%s\n  gantry doctor mapping %s\n", m.called(), m.Result, indent(m.Detail), m.called())
	}
}
