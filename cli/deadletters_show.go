package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) deadlettersShowCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use: "show MAPPING ID", Short: "Show a dead letter: its error, the function's log, its records",
		Long: `Show reads one dead letter whole: why and when it was given up, the error, the end of the
function's log, the records with key, headers and value, and what was redriven of it. Where a
letter has positions only (SQS), the records are read from their topic. What masking rules
hide is not shown. -o json gives all of it with the bytes in base64.`,
		Example: "  gantry deadletters show orders orders.dead-3-1234\n  gantry deadletters show orders orders.dead-3-1234 -o json",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, words []string) error {
			q := url.Values{"letter": {words[1]}}
			if from != "" {
				q.Set("from", from)
			}
			var answer json.RawMessage
			if err := a.do(c.Context(), call{method: "GET", path: mappingPath(words[0], "/dead-letter"), query: q, out: &answer}); err != nil {
				return err
			}
			var l letterLine
			if err := json.Unmarshal(answer, &l); err != nil {
				return fmt.Errorf("read the answer: %w", err)
			}
			return a.show(answer, l.print)
		},
	}
	c.Flags().StringVar(&from, "from", "", "where it lies (default: the mapping's onFailure)")
	return c
}

func (l letterLine) print(w io.Writer) {
	row(w, "letter:", l.ID)
	row(w, "given up:", fmt.Sprintf("%s (%s)", l.At.UTC().Format(time.RFC3339Nano), ago(l.At)))
	row(w, "condition:", l.Condition)
	row(w, "function:", fmt.Sprintf("%s, %d invocations", l.Function, l.Attempts))
	row(w, "records:", fmt.Sprintf("%d, from %s", l.Count, l.position()))
	if l.SkippedBy != "" {
		row(w, "skipped by:", terminalSafe(l.SkippedBy))
	}
	row(w, "state:", l.state())
	if m := l.State.Last; m != nil {
		row(w, "last redrive:", fmt.Sprintf("to %s, by %s %s: %s", m.To, m.By, ago(m.At), terminalSafe(m.Reason)))
		if m.Error != "" {
			row(w, "", "failed: "+short(m.Error))
		}
	}
	fmt.Fprintf(w, "error:\n%s\n", indent(terminalSafe(l.Error)))
	if l.Log != "" {
		fmt.Fprintf(w, "log:\n%s\n", indent(terminalSafe(l.Log)))
	}
	for _, r := range l.Records {
		fmt.Fprintln(w)
		r.recordLine.print(w, r.Topic, r.Partition)
	}
	if len(l.Records) == 0 {
		fmt.Fprintln(w, "\nits source does not keep the records any more")
	}
}
