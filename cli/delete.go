package cli

import (
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
			what := map[string]string{"mappings": "mapping", "functions": "function"}[kind]
			return a.tell(map[string]string{"deleted": words[1], "kind": what}, "%s %s is being deleted", what, words[1])
		},
	}
}
