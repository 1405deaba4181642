package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

type losses struct {
	UUID   string     `json:"uuid"`
	Losses []lossView `json:"losses"`
}

func (a *app) acceptLossCommand() *cobra.Command {
	var partitions []string
	var f confirmation
	c := &cobra.Command{
		Use: "accept-loss MAPPING", Short: "Go on behind records that left the source before they were read",
		Long: `When retention, a truncation or a recreated topic takes records away before gantry read
them, their partition stops and waits: nothing is skipped unsaid. Accept-loss shows what
is missing; with --yes it is given up, an audit line says by whom, and reading goes on.
It does exactly what a preview showed: the one whose --token is given, or the one it makes
itself first.`,
		Example: `  gantry offsets accept-loss orders-to-validate
  gantry offsets accept-loss orders-to-validate --yes --reason "retention was too short" --partition orders-3`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			only := []map[string]any{}
			for _, word := range partitions {
				id, err := partitionOf(word)
				if err != nil {
					return usage(c, err)
				}
				only = append(only, id)
			}
			if err := f.check(c); err != nil {
				return err
			}
			return a.acceptLoss(c, words[0], f, map[string]any{"partitions": only, "reason": f.reason, "token": f.token}, partitions...)
		},
	}
	c.Flags().StringSliceVar(&partitions, "partition", nil, "only these, 3 or orders-3; default all that wait")
	f.flags(c)
	return c
}

// acceptance is what would be given up, or was.
type acceptance struct {
	Token    string     `json:"token,omitempty"`
	Losses   []lossView `json:"losses,omitempty"`
	Accepted []lossView `json:"accepted,omitempty"`
}

func (a *app) acceptLoss(c *cobra.Command, id string, f confirmation, in map[string]any, partitions ...string) error {
	if !f.yes { // what waits, also where that is nothing
		var l losses
		if err := a.do(c.Context(), call{method: "GET", path: mappingPath(id, "/losses"), out: &l}); err != nil {
			return err
		}
		if len(l.Losses) == 0 {
			return a.show(l, func(w io.Writer) { fmt.Fprintln(w, "no loss waits to be accepted") })
		}
	}
	path := mappingPath(id, "/accept-loss")
	var v acceptance
	if f.token == "" {
		if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &v}); err != nil {
			return err
		}
		if !f.yes {
			return a.show(v, func(w io.Writer) {
				printLosses(w, v.Losses)
				fmt.Fprintf(w, "\nnothing was changed; to go on without these records:\n  gantry offsets accept-loss %s%s --yes --reason %s --token %s\n",
					id, repeated(" --partition ", partitions), quoted(f.reason), v.Token)
			})
		}
		in["token"] = v.Token
	}
	var done acceptance
	if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &done}); err != nil {
		return err
	}
	return a.show(done, func(w io.Writer) {
		printLosses(w, done.Accepted)
		fmt.Fprintln(w, "\naccepted")
	})
}

// repeated is a flag once for each value.
func repeated(flag string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return flag + strings.Join(values, flag)
}

func printLosses(w io.Writer, list []lossView) {
	row(w, "PARTITION", "FIRST MISSING", "LAST MISSING", "AT MOST", "GOES ON AT", "WHY")
	for _, l := range list {
		row(w, fmt.Sprintf("%s-%d", l.Topic, l.Partition), l.First, l.Last, fmt.Sprintf("%d records", l.Count), l.Resume, l.Reason)
	}
}
