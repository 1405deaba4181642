package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) deadlettersListCommand() *cobra.Command {
	var f letterFlags
	var limit int
	c := &cobra.Command{
		Use: "list MAPPING", Short: "Dead letters in groups of the same cause, and the first of them",
		Long: `List goes through all dead letters of a mapping and gathers them by condition, function and
error (what differs in numbers alone is one group), with how many there are, when the first
and the last were given up, and how many were redriven. The first letters follow, each with
its id, in the order of the place they lie in.`,
		Example: "  gantry deadletters list orders\n  gantry deadletters list orders --since 24h --state pending --limit 0\n  gantry deadletters list orders --from arn:aws:sqs:eu-west-1:123456789012:orders-dead -o json",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			q, err := f.query(c)
			if err != nil {
				return err
			}
			q.Set("limit", strconv.Itoa(limit))
			return a.listLetters(c, words[0], q, true)
		},
	}
	f.flags(c)
	c.Flags().IntVar(&limit, "limit", 20, "letters to show; the groups count all")
	return c
}

func (a *app) deadlettersSearchCommand() *cobra.Command {
	var f letterFlags
	var limit int
	var after string
	c := &cobra.Command{
		Use: "search MAPPING", Short: "Find dead letters by error, key, time, condition or position",
		Long: `Search shows the letters that everything asked for is true of, in the order of the place they
lie in. A page ends at --limit; --after goes on behind the last one of it.`,
		Example: `  gantry deadletters search orders --error "card expired"
  gantry deadletters search orders --error '/order \d+ is unknown/' --since 2026-01-31T12:00:00Z --until 1h
  gantry deadletters search orders --key customer-7 -o json
  gantry deadletters search orders --partition 3 --after orders.dead-3-1234`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			q, err := f.query(c)
			if err != nil {
				return err
			}
			q.Set("limit", strconv.Itoa(limit))
			q.Set("stop", "true")
			if after != "" {
				q.Set("after", after)
			}
			return a.listLetters(c, words[0], q, false)
		},
	}
	f.flags(c)
	c.Flags().IntVar(&limit, "limit", 100, "letters of a page")
	c.Flags().StringVar(&after, "after", "", "go on behind the letter of this id (topics and buckets)")
	return c
}

func (a *app) listLetters(c *cobra.Command, id string, q url.Values, groups bool) error {
	var letters []letterLine
	var raw []json.RawMessage
	sum, err := a.walkLetters(c, id, q, func(text json.RawMessage) error {
		var l letterLine
		letters, raw = append(letters, l), append(raw, text)
		return json.Unmarshal(text, &letters[len(letters)-1])
	})
	if err != nil {
		return err
	}
	return a.show(map[string]any{"summary": sum, "letters": raw}, func(w io.Writer) {
		if groups {
			sum.print(w)
		}
		printLetters(w, letters)
		sum.footer(w, id, len(letters), groups)
	})
}

func (s letterSummary) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d dead letters\n\n", s.Place, s.Matched)
	if len(s.Groups) == 0 {
		return
	}
	row(w, "LETTERS", "RECORDS", "REDRIVEN", "FIRST", "LAST", "FUNCTION", "CONDITION", "ERROR")
	for _, g := range s.Groups {
		row(w, g.Letters, g.Records, g.Redriven, g.First.UTC().Format(time.RFC3339), g.Last.UTC().Format(time.RFC3339), g.Function, g.Condition, short(g.Error))
	}
	fmt.Fprintln(w)
}

func (s letterSummary) footer(w io.Writer, id string, shown int, groups bool) {
	switch {
	case s.Matched == 0:
		fmt.Fprintln(w, "no dead letters")
	case s.More && groups:
		fmt.Fprintf(w, "\nthe first %d of %d; --limit shows more\n", shown, s.Matched)
	case s.More:
		fmt.Fprintf(w, "\nthere are more: --after %s\n", s.Next)
	}
	if s.Others > 0 {
		fmt.Fprintf(w, "%d letters of other mappings lie there as well (--all)\n", s.Others)
	}
	if shown > 0 {
		fmt.Fprintf(w, "\n  gantry deadletters show %s ID\n  gantry deadletters redrive %s --to function\n", id, id)
	}
}
