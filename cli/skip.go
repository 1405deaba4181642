package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// skipFlags are how a skip is asked for.
type skipFlags struct {
	partition string
	function  string
	offsets   []string
	to        string
	confirmation
}

// confirmation is what a command that moves offsets wants beside its preview.
type confirmation struct {
	reason string
	yes    bool
	token  string
}

func (f *confirmation) flags(c *cobra.Command) {
	c.Flags().BoolVar(&f.yes, "yes", false, "do it; without it only the preview is shown")
	c.Flags().StringVar(&f.reason, "reason", "", "why, for the audit log; needed with --yes")
	c.Flags().StringVar(&f.token, "token", "", "of the preview you looked at: do that or nothing")
}

func (f *confirmation) check(c *cobra.Command) error {
	if f.yes && strings.TrimSpace(f.reason) == "" {
		return usage(c, errors.New("--reason: say why, it goes to the audit log"))
	}
	if f.token != "" && !f.yes {
		return usage(c, errors.New("--token: goes with --yes"))
	}
	return nil
}

func (a *app) skipCommand() *cobra.Command {
	var f skipFlags
	c := &cobra.Command{
		Use: "skip MAPPING --partition N --offset N --to dead-letter|drop --reason TEXT", Short: "Give up records that a partition stands on",
		Long: `Skip ends a poison record by its owner's word: it goes to the mapping's dead-letter topic,
or nowhere, and the partition runs on. The mapping keeps running and stays in its group.

Without --yes it shows what would happen and changes nothing. With --yes it does exactly
what a preview showed: the one whose --token is given, or the one it makes itself first.
Where the partition has moved meanwhile it refuses. The audit log says who and why.

Where a mapping has several functions, the one that stands on the records skips them, and
the others go on with theirs; where several stand on them, --function says which.

A record that is being invoked is waited for: its answer may end the matter. A gantry that
is killed before the skip is committed reads the record again.`,
		Example: `  gantry skip orders-to-validate --partition 3 --offset 1234 --to dead-letter
  gantry skip orders-to-validate --partition 3 --offset 1234 --to dead-letter --reason "broken JSON, see INC-7" --yes
  gantry skip orders-to-validate --partition 3 --offset 1234-1240,1250 --to drop --reason "test data" --yes`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			in, err := f.request(c)
			if err != nil {
				return err
			}
			return a.skip(c, words[0], f, in)
		},
	}
	c.Flags().StringVar(&f.partition, "partition", "", "the partition, 3 or orders-3")
	c.Flags().StringSliceVar(&f.offsets, "offset", nil, "the offsets: 1234, or a run 1234-1240")
	c.Flags().StringVar(&f.function, "function", "", "which of the mapping's functions skips them; needed where several stand on the records")
	c.Flags().StringVar(&f.to, "to", "", "dead-letter or drop")
	f.flags(c)
	return c
}

func (f *skipFlags) request(c *cobra.Command) (map[string]any, error) {
	var errs []error
	id, err := partitionOf(f.partition)
	errs = append(errs, err)
	var runs []map[string]any
	for _, word := range f.offsets {
		first, last, err := runOf(word)
		errs = append(errs, err)
		runs = append(runs, map[string]any{"first": first, "last": last})
	}
	if len(f.offsets) == 0 {
		errs = append(errs, errors.New("--offset: name the records"))
	}
	if !slices.Contains([]string{"dead-letter", "drop"}, f.to) {
		errs = append(errs, fmt.Errorf("--to %q: want dead-letter or drop", f.to))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage(c, err)
	}
	if err := f.check(c); err != nil {
		return nil, err
	}
	return map[string]any{
		"topic": id["topic"], "partition": id["partition"], "function": f.function, "offsets": runs, "to": f.to, "reason": f.reason, "token": f.token,
	}, nil
}

// partitionOf reads 3 or orders-3.
func partitionOf(word string) (map[string]any, error) {
	at := strings.LastIndexByte(word, '-')
	n, err := strconv.ParseInt(word[at+1:], 10, 32)
	if err != nil || n < 0 || at == 0 {
		return nil, fmt.Errorf("--partition %q: want a number such as 3, or topic-n such as orders-3", word)
	}
	topic := ""
	if at > 0 {
		topic = word[:at]
	}
	return map[string]any{"topic": topic, "partition": n}, nil
}

// runOf reads 1234 or 1234-1240.
func runOf(word string) (first, last int64, err error) {
	from, to, isRun := strings.Cut(word, "-")
	first, err = strconv.ParseInt(from, 10, 64)
	last = first
	if err == nil && isRun {
		last, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || first < 0 || last < first {
		return 0, 0, fmt.Errorf("--offset %q: want a number such as 1234, or a run such as 1234-1240", word)
	}
	return first, last, nil
}

// skipAnswer is what would be done, or was.
type skipAnswer struct {
	Token     string `json:"token"`
	Done      bool   `json:"done"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Function  string `json:"function"`
	To        string `json:"to"`
	Resume    int64  `json:"resume"`
	After     int64  `json:"after"`
	InFlight  bool   `json:"inFlight"`
	Records   []struct {
		Offset    int64     `json:"offset"`
		Timestamp time.Time `json:"timestamp"`
		Attempts  int       `json:"attempts"`
		Bytes     int       `json:"bytes"`
	} `json:"records"`
}

func (a *app) skip(c *cobra.Command, id string, f skipFlags, in map[string]any) error {
	path := mappingPath(id, "/skip")
	var v skipAnswer
	if f.token == "" {
		if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &v}); err != nil {
			return err
		}
		if !f.yes {
			return a.show(v, func(w io.Writer) { v.print(w, id, f) })
		}
		in["token"], in["function"] = v.Token, v.Function
	}
	if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &v}); err != nil {
		return err
	}
	return a.show(v, func(w io.Writer) { v.print(w, id, f) })
}

func (v skipAnswer) print(w io.Writer, id string, f skipFlags) {
	row(w, "OFFSET", "WRITTEN", "ATTEMPTS", "BYTES", "GOES TO")
	for _, r := range v.Records {
		row(w, r.Offset, r.Timestamp.Format(time.RFC3339), r.Attempts, r.Bytes, v.To)
	}
	if v.Done {
		by := ""
		if f.function != "" {
			by = " by " + v.Function
		}
		fmt.Fprintf(w, "\n%s of %s-%d skipped%s; it goes on at offset %d. See: gantry status\n",
			records(int64(len(v.Records))), v.Topic, v.Partition, by, v.After)
		return
	}
	fmt.Fprintf(w, "\n%s-%d stands at offset %d and would go on at %d\n", v.Topic, v.Partition, v.Resume, v.After)
	if v.InFlight {
		fmt.Fprintln(w, "its records are being invoked now: a skip waits for the answer")
	}
	of := ""
	if f.function != "" {
		of = " --function " + f.function
	}
	fmt.Fprintf(w, "nothing was changed; to do it:\n  gantry skip %s --partition %s --offset %s%s --to %s --reason %s --yes --token %s\n",
		id, f.partition, strings.Join(f.offsets, ","), of, v.To, quoted(f.reason), v.Token)
}

// quoted is a reason as it is typed.
func quoted(reason string) string {
	if reason == "" {
		return `"…"`
	}
	return strconv.Quote(reason)
}
