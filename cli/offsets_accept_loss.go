package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

type losses struct {
	UUID   string     `json:"uuid"`
	Losses []lossView `json:"losses"`
}

func (a *app) acceptLossCommand() *cobra.Command {
	var yes bool
	var partitions []string
	var reason string
	c := &cobra.Command{
		Use: "accept-loss MAPPING", Short: "Go on behind records that left the source before they were read",
		Long: `When retention, a truncation or a recreated topic takes records away before gantry read
them, their partition stops and waits: nothing is skipped unsaid. Accept-loss shows what
is missing; with --yes it is given up, an audit line says by whom, and reading goes on.`,
		Example: `  gantry offsets accept-loss orders-to-validate
  gantry offsets accept-loss orders-to-validate --yes --reason "retention was too short" --partition orders-3`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			only, err := partitionsOf(partitions)
			if err != nil {
				return usage(c, err)
			}
			if !yes {
				return a.previewLoss(c, words[0])
			}
			return a.acceptLoss(c, words[0], map[string]any{"partitions": only, "reason": reason})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "accept; without it only the preview is shown")
	c.Flags().StringSliceVar(&partitions, "partition", nil, "only these, as topic-n; default all that wait")
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit line")
	return c
}

func partitionsOf(words []string) ([]map[string]any, error) {
	var out []map[string]any
	for _, word := range words {
		at := strings.LastIndexByte(word, '-')
		n, err := strconv.ParseInt(word[at+1:], 10, 32)
		if at <= 0 || err != nil {
			return nil, fmt.Errorf("--partition %s: want topic-n, such as orders-3", word)
		}
		out = append(out, map[string]any{"topic": word[:at], "partition": n})
	}
	return out, nil
}

func (a *app) previewLoss(c *cobra.Command, id string) error {
	var l losses
	return a.fetch(c.Context(), mappingPath(id, "/losses"), &l, func(w io.Writer) {
		if len(l.Losses) == 0 {
			fmt.Fprintln(w, "no loss waits to be accepted")
			return
		}
		printLosses(w, l.Losses)
		fmt.Fprintf(w, "\nnothing was changed; to go on without these records: gantry offsets accept-loss %s --yes --reason TEXT\n", id)
	})
}

func printLosses(w io.Writer, list []lossView) {
	row(w, "PARTITION", "FIRST MISSING", "LAST MISSING", "AT MOST", "GOES ON AT", "WHY")
	for _, l := range list {
		row(w, fmt.Sprintf("%s-%d", l.Topic, l.Partition), l.First, l.Last, fmt.Sprintf("%d records", l.Count), l.Resume, l.Reason)
	}
}

func (a *app) acceptLoss(c *cobra.Command, id string, in map[string]any) error {
	var out struct {
		Accepted []lossView `json:"accepted"`
	}
	if err := a.do(c.Context(), call{method: "POST", path: mappingPath(id, "/accept-loss"), in: in, out: &out}); err != nil {
		return err
	}
	return a.show(out, func(w io.Writer) {
		printLosses(w, out.Accepted)
		fmt.Fprintln(w, "\naccepted")
	})
}
