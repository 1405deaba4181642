package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show what this gantry runs, the worst first",
		Example: "  gantry status\n  gantry status -o json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var s struct {
				Version  string        `json:"version"`
				Process  string        `json:"process"`
				Listen   string        `json:"listen"`
				Started  time.Time     `json:"startedAt"`
				Mappings []mappingLine `json:"mappings"`
			}
			return a.fetch(c.Context(), "/gantry/v1/status", &s, func(w io.Writer) {
				fmt.Fprintf(w, "gantry %s on %s, up since %s\n\n", s.Version, s.Listen, s.Started.Format(time.RFC3339))
				printMappings(w, s.Mappings)
				printProblems(w, s.Mappings)
			})
		},
	}
}

func printMappings(w io.Writer, mappings []mappingLine) {
	if len(mappings) == 0 {
		fmt.Fprintln(w, "no mappings yet; make one with: gantry apply -f gantry.yaml")
		return
	}
	row(w, "MAPPING", "TOPIC", "FUNCTION", "STATE", "LAST RESULT", "POLLED", "LAG", "WAITING", "IN FLIGHT", "BLOCKED")
	for _, m := range mappings {
		row(w, m.called(), m.Topic, m.Function, m.State, m.Result, m.Polled, m.behind(), m.Waiting, m.InFlight, m.Blocked)
	}
}

// printProblems says what is wrong, where, and what to type.
func printProblems(w io.Writer, mappings []mappingLine) {
	for _, m := range mappings {
		if m.Detail == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n%s\n  look closer: gantry describe mapping %s\n", m.called(), m.Result, indent(m.Detail), m.called())
	}
}
