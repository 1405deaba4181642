package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) deadlettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "deadletters", Short: "Find, read and redrive the dead letters of a mapping",
		Long: `Records that were given up lie at their mapping's destination (onFailure): a Kafka topic, an
SQS queue or an S3 bucket. These commands find them there, show them, and redrive them once
what was wrong is repaired. See docs/dead-letters.md.`,
		Example: `  gantry deadletters list orders
  gantry deadletters search orders --error "card expired" --since 2h
  gantry deadletters redrive orders --error "card expired" --to function`,
		Args: args(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.deadlettersListCommand(), a.deadlettersSearchCommand(), a.deadlettersShowCommand(),
		a.deadlettersExportCommand(), a.deadlettersRedriveCommand())
	return c
}

// letterFlags choose dead letters.
type letterFlags struct {
	from, errorText, key, since, until, condition, function, topic, partition, state string
	all                                                                              bool
}

func (f *letterFlags) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.from, "from", "", "where they lie: kafka://TOPIC, an SQS queue's ARN, s3://BUCKET/PREFIX (default: the mapping's onFailure)")
	flags.StringVar(&f.errorText, "error", "", "a part of the error, or /a regular expression/")
	flags.StringVar(&f.key, "key", "", "the key of a record")
	flags.StringVar(&f.since, "since", "", "given up since: 2h, or 2026-01-31T12:00:00Z")
	flags.StringVar(&f.until, "until", "", "given up before: 30m, or 2026-01-31T12:00:00Z")
	flags.StringVar(&f.condition, "condition", "", "why: RetriesExhausted, EventAgeExceeded, Skipped, …")
	flags.StringVar(&f.function, "function", "", "the function that failed")
	flags.StringVar(&f.topic, "topic", "", "the topic the records came from")
	flags.StringVar(&f.partition, "partition", "", "the partition they came from, 3 or orders-3")
	flags.StringVar(&f.state, "state", "", "pending, redriven or failed")
	flags.BoolVar(&f.all, "all", false, "letters of other mappings at the same place as well")
}

// selection is what the flags say, as the API takes it in a body.
func (f *letterFlags) selection(c *cobra.Command) (map[string]any, error) {
	out, errs := map[string]any{}, []error(nil)
	for name, value := range map[string]string{
		"error": f.errorText, "condition": f.condition, "function": f.function, "topic": f.topic, "state": f.state,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if c.Flags().Changed("key") {
		out["key"] = f.key
	}
	for name, value := range map[string]string{"since": f.since, "until": f.until} {
		if value == "" {
			continue
		}
		at, err := moment(value)
		errs = append(errs, err)
		out[name] = at
	}
	if f.partition != "" {
		where, err := partitionOf(f.partition)
		errs = append(errs, err)
		out["partition"] = where["partition"]
		if topic, _ := where["topic"].(string); topic != "" {
			out["topic"] = topic
		}
	}
	if f.all {
		out["all"] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage(c, err)
	}
	return out, nil
}

// query is the same behind the question mark.
func (f *letterFlags) query(c *cobra.Command) (url.Values, error) {
	chosen, err := f.selection(c)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for name, value := range chosen {
		q.Set(name, fmt.Sprint(value))
	}
	if f.from != "" {
		q.Set("from", f.from)
	}
	return q, nil
}

// moment reads a time, or how long ago it was.
func moment(text string) (string, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d).UTC().Format(time.RFC3339Nano), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", fmt.Errorf("%q is no time: want how long ago (2h) or 2026-01-31T12:00:00Z", text)
	}
	return at.UTC().Format(time.RFC3339Nano), nil
}

// letterLine is a dead letter as the API gives it.
type letterLine struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Function  string    `json:"function"`
	Condition string    `json:"condition"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
	SkippedBy string    `json:"skippedBy"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	First     int64     `json:"first"`
	Last      int64     `json:"last"`
	Count     int       `json:"count"`
	Bytes     int       `json:"bytes"`
	State     struct {
		State string `json:"state"`
		Count int    `json:"count"`
		Last  *struct {
			To     string    `json:"to"`
			At     time.Time `json:"at"`
			By     string    `json:"by"`
			Reason string    `json:"reason"`
			Error  string    `json:"error"`
		} `json:"last"`
	} `json:"state"`
	Log     string `json:"log"`
	Records []struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		recordLine
	} `json:"records"`
}

// walkLine is one line of a walk through dead letters.
type walkLine struct {
	Letter   *json.RawMessage `json:"letter"`
	Progress *struct {
		Done    int64 `json:"done"`
		Of      int64 `json:"of"`
		Matched int64 `json:"matched"`
	} `json:"progress"`
	Summary *letterSummary `json:"summary"`
	Error   *apiFailure    `json:"error"`
}

type letterSummary struct {
	Place   string `json:"place"`
	Letters int64  `json:"letters"`
	Matched int64  `json:"matched"`
	Others  int64  `json:"others"`
	More    bool   `json:"more"`
	Next    string `json:"next"`
	Masked  bool   `json:"masked"`
	Groups  []struct {
		Condition string    `json:"condition"`
		Function  string    `json:"function"`
		Error     string    `json:"error"`
		Letters   int64     `json:"letters"`
		Records   int64     `json:"records"`
		Redriven  int64     `json:"redriven"`
		First     time.Time `json:"first"`
		Last      time.Time `json:"last"`
	} `json:"groups"`
}

// apiFailure is an error that ended a stream.
type apiFailure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func (f *apiFailure) Error() string { return f.Message + " (" + f.Type + ")" }

// walkLetters goes through dead letters and hands over each; progress goes to a terminal's
// error output.
func (a *app) walkLetters(c *cobra.Command, id string, q url.Values, letter func(json.RawMessage) error) (letterSummary, error) {
	var sum *letterSummary
	err := a.stream(c, mappingPath(id, "/dead-letters"), q, func(text []byte) error {
		var l walkLine
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("read a line of the stream: %w", err)
		}
		switch {
		case l.Error != nil:
			return l.Error
		case l.Letter != nil:
			return letter(*l.Letter)
		case l.Progress != nil:
			a.progress("gone through %s, %d found", portion(l.Progress.Done, l.Progress.Of), l.Progress.Matched)
		case l.Summary != nil:
			sum = l.Summary
		}
		return nil
	})
	if err == nil && sum == nil {
		err = errors.New("the stream ended before its end: gantry was stopped, or the connection was lost")
	}
	if err != nil {
		return letterSummary{}, err
	}
	return *sum, nil
}

// progress is a line for whoever waits.
func (a *app) progress(format string, words ...any) {
	if a.output != "json" {
		fmt.Fprintf(a.Err, "… "+format+"\n", words...)
	}
}

// portion is how far a walk has come.
func portion(done, of int64) string {
	if of <= 0 {
		return strconv.FormatInt(done, 10)
	}
	return fmt.Sprintf("%d of %d (%d %%)", done, of, done*100/of)
}

func printLetters(w io.Writer, letters []letterLine) {
	if len(letters) == 0 {
		return
	}
	row(w, "ID", "GIVEN UP", "FROM", "RECORDS", "ATTEMPTS", "STATE", "CONDITION", "ERROR")
	for _, l := range letters {
		row(w, l.ID, ago(l.At), l.position(), l.Count, l.Attempts, l.state(), l.Condition, short(l.Error))
	}
}

func (l letterLine) position() string {
	if l.Last > l.First {
		return fmt.Sprintf("%s-%d@%d-%d", l.Topic, l.Partition, l.First, l.Last)
	}
	return fmt.Sprintf("%s-%d@%d", l.Topic, l.Partition, l.First)
}

func (l letterLine) state() string {
	if l.State.Count > 0 {
		return fmt.Sprintf("%s (%d×)", l.State.State, l.State.Count)
	}
	return l.State.State
}

// short is the first line of a text, cut.
func short(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if words := []rune(line); len(words) > 80 {
		line = string(words[:79]) + "…"
	}
	return terminalSafe(line)
}
