package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gantry/pipeline/filter"
	"gantry/record"
)

func (a *app) filterCommand() *cobra.Command {
	var pattern string
	c := &cobra.Command{
		Use: "filter -p PATTERN [FILE]", Short: "Try a filter pattern on record values",
		Long: `Filter reads one record value a line, from FILE or standard input, and prints true for
each that a mapping with this pattern would send to its function, false for the others.
It needs no running gantry. A pattern that would be refused exits with 2 and says why.`,
		Example: `  echo '{"total":101}' | gantry filter -p '{"value": {"total": [{"numeric": [">", 100]}]}}'
  gantry filter -p '{"value": {"status": ["open"]}}' orders.jsonl`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if !c.Flags().Changed("pattern") {
				return usage(c, fmt.Errorf("give a pattern with -p"))
			}
			compiled, err := filter.CompileAll([]string{pattern})
			if err != nil {
				return &usageError{err: fmt.Errorf("the pattern is refused: %w", err)}
			}
			file := "-"
			if len(words) > 0 {
				file = words[0]
			}
			return a.filter(compiled, file)
		},
	}
	c.Flags().StringVarP(&pattern, "pattern", "p", "", `a whole FilterCriteria pattern: {"value": …}`)
	return c
}

func (a *app) filter(pattern *filter.Set, file string) error {
	lines, err := a.lines(nil, file)
	if err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintln(a.Out, pattern.Keep(&record.Record{Value: []byte(line)}))
	}
	return nil
}
