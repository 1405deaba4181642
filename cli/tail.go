package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) tailCommand() *cobra.Command {
	return &cobra.Command{
		Use: "tail MAPPING", Short: "Follow the batches of a mapping and what became of them",
		Example: "  gantry tail orders-to-validate",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			return a.stream(c, mappingPath(words[0], "/tail"), nil, func(line []byte) error {
				return each(a, line, a.printBatch)
			})
		},
	}
}

type batchLine struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	Parts    []struct {
		Partition   string `json:"partition"`
		First, Last int64
		Count       int `json:"count"`
	} `json:"parts"`
	Records   int     `json:"records"`
	Result    string  `json:"result"`
	Failed    int     `json:"failed"`
	Message   string  `json:"message"`
	ElapsedMS float64 `json:"elapsedMs"`
}

func (a *app) printBatch(b batchLine) {
	var parts []string
	for _, p := range b.Parts {
		parts = append(parts, fmt.Sprintf("%s[%d..%d]", p.Partition, p.First, p.Last))
	}
	fmt.Fprintf(a.Out, "%s %-12s %5d records %8.1f ms  %s  %s", b.At.Format("15:04:05.000"), b.Result, b.Records, b.ElapsedMS, b.Function, strings.Join(parts, " "))
	if b.Failed > 0 {
		fmt.Fprintf(a.Out, "  %d named as failed", b.Failed)
	}
	if b.Message != "" {
		fmt.Fprintf(a.Out, "  %s", b.Message)
	}
	fmt.Fprintln(a.Out)
}
