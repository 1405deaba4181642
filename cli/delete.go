package cli

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func (a *app) deleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete mapping|function NAME", Short: "Remove a mapping or a function",
		Long: `Delete stops a mapping, leaves its group and removes it; its committed offsets stay on
the cluster. A function that a mapping uses is not removed.`,
		Example: "  gantry delete mapping orders-to-validate",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, words []string) error {
			kind, err := kindOf(c, words[0])
			if err != nil {
				return err
			}
			path := "/gantry/v1/" + kind + "/" + url.PathEscape(words[1])
			if err := a.do(c.Context(), call{method: "DELETE", path: path}); err != nil {
				return err
			}
			fmt.Fprintf(a.Out, "%s %s is being deleted\n", words[0], words[1])
			return nil
		},
	}
}
