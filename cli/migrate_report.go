package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gantry/migrate/shadow/page"
	"gantry/plan"
)

func (a *app) migrateReportCommand() *cobra.Command {
	var html string
	c := &cobra.Command{
		Use: "report NAME", Short: "What the shadow run shows: what was compared, what differs, which gates are passed",
		Long: `Report shows the shadow run that is under way, or the last one that ended. --html writes one
page that needs nothing else, with plots and sample differences side by side. It ends with
code 1 where a gate is not passed.`,
		Example: "  gantry migrate report orders\n  gantry migrate report orders --html orders.html\n  gantry migrate report orders -o json", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			var s plan.Shadow
			if err := a.do(c.Context(), call{method: "GET", path: migrationPath(words[0], "/shadow"), out: &s}); err != nil {
				return err
			}
			if html != "" {
				if err := writePage(html, s); err != nil {
					return err
				}
			}
			var failed error
			if err := a.show(s, func(w io.Writer) { failed = page.Text(w, s) }); err != nil || failed != nil {
				return fmt.Errorf("show the report: %w", firstOf(err, failed))
			}
			if !s.Passed {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringVar(&html, "html", "", "write it as one page to this file")
	return c
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func writePage(path string, s plan.Shadow) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := page.Write(f, s); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}
