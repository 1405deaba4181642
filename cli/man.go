package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the manual pages; packages are made with it.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write the manual pages into a folder", Hidden: true,
		Example: "  gantry man ./man",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			c.Root().DisableAutoGenTag = true // it says when a page was made: two builds would differ
			header := &doc.GenManHeader{Section: "1", Source: "gantry " + a.Build.Version, Manual: "gantry"}
			if made, err := time.Parse(time.RFC3339, a.Build.Time); err == nil {
				header.Date = &made
			}
			if err := doc.GenManTree(c.Root(), header, given[0]); err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			return nil
		},
	}
}
