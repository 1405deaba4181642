package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Build says what a binary was made from. What is not known is empty.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // whole hash; ".dirty" behind it for a tree with changes
	Time     string `json:"time"`     // of the commit, RFC 3339
	Go       string `json:"go"`       // the compiler
	Platform string `json:"platform"` // GOOS/GOARCH
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version and what this binary was built from",
		Example: `  gantry version
  gantry version -o json`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			b := a.Build
			return a.show(b, func(w io.Writer) {
				fmt.Fprintf(w, "gantry %s\n", b.Version)
				for _, line := range [][2]string{{"commit", b.Commit}, {"time", b.Time}, {"go", b.Go}, {"platform", b.Platform}} {
					if line[1] != "" {
						fmt.Fprintf(w, "%-10s%s\n", line[0], line[1])
					}
				}
			})
		},
	}
}
