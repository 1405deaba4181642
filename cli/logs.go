package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) logsCommand() *cobra.Command {
	var follow bool
	var lines int
	c := &cobra.Command{
		Use: "logs FUNCTION", Short: "Show what a function writes",
		Example: "  gantry logs order-validate\n  gantry logs order-validate -f",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			query := url.Values{"lines": {strconv.Itoa(lines)}}
			if follow {
				query.Set("follow", "true")
			}
			return a.stream(c, "/gantry/v1/functions/"+url.PathEscape(words[0])+"/logs", query, func(line []byte) error {
				return each(a, line, func(l logLine) { fmt.Fprintf(a.Out, "%s %s %s\n", l.Time.Format("15:04:05.000"), l.RequestID, l.Text) })
			})
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what it writes from now on")
	c.Flags().IntVarP(&lines, "lines", "n", 100, "lines to begin with")
	return c
}

type logLine struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"requestId"`
	Text      string    `json:"text"`
}
