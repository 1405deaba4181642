package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) offsetsCommand() *cobra.Command {
	c := &cobra.Command{Use: "offsets", Short: "Show or set where a mapping stands; accept a loss at the source",
		Example: "  gantry offsets show orders-to-validate\n  gantry offsets reset orders-to-validate --to earliest", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.offsetsShowCommand(), a.resetCommand(), a.acceptLossCommand())
	return c
}

func (a *app) offsetsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show MAPPING", Short: "Compare the group's commits with the log, partition by partition",
		Example: "  gantry offsets show orders-to-validate",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			var o offsets
			return a.fetch(c.Context(), mappingPath(words[0], "/offsets"), &o, func(w io.Writer) {
				fmt.Fprintf(w, "group %s\n", o.Group)
				row(w, "PARTITION", "OLDEST", "COMMITTED", "END", "LAG", "HERE", "FIRST UNRESOLVED", "POLLED TO")
				for _, p := range o.Partitions {
					cells := []any{fmt.Sprintf("%s-%d", p.Topic, p.Partition), p.Start, orDash(p.Committed), p.End, p.Lag}
					if p.Here {
						cells = append(cells, "yes", p.Resume, p.Tail)
					} else {
						cells = append(cells, "no", "-", "-")
					}
					row(w, cells...)
				}
			})
		},
	}
}

func orDash(n int64) any {
	if n < 0 {
		return "-"
	}
	return n
}
