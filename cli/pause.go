package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pause MAPPING", Short: "Stop a mapping; what is in flight ends, its place is kept",
		Example: "  gantry pause orders-to-validate",
		Args:    args(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, words []string) error { return a.turn(c, words[0], "pause") },
	}
}

func (a *app) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resume MAPPING", Short: "Go on where a mapping was paused",
		Example: "  gantry resume orders-to-validate",
		Args:    args(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, words []string) error { return a.turn(c, words[0], "resume") },
	}
}

func (a *app) turn(c *cobra.Command, id, way string) error {
	var out struct {
		Mapping mappingLine `json:"mapping"`
	}
	if err := a.do(c.Context(), call{method: "POST", path: mappingPath(id, "/", way), out: &out}); err != nil {
		return err
	}
	return a.tell(out, "%s: %s", out.Mapping.called(), way+"d")
}
