package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// resetFlags are how a reset is asked for.
type resetFlags struct {
	to         string
	partitions []string
	confirmation
}

func (a *app) resetCommand() *cobra.Command {
	var f resetFlags
	c := &cobra.Command{
		Use: "reset MAPPING --to WHERE --reason TEXT", Short: "Set where a paused mapping reads on, with a preview",
		Long: `Reset sets the offsets of a mapping's group. WHERE is one of

  earliest               the oldest record kept
  latest                 behind the newest record
  2026-11-23T03:00:00Z   the first record at or after this time
  1234                   this offset (with --partition)
  +100, -100             so many records on, or back

The mapping must be paused in every process that runs it: gantry refuses otherwise, and so
does the broker. Without --yes it shows the old and the new place of each partition and how
many records come again or are not read. With --yes it does exactly what a preview of the
last 15 minutes showed: the one whose --token is given, or the one it makes itself first.`,
		Example: `  gantry pause orders-to-validate
  gantry offsets reset orders-to-validate --to 2026-11-23T03:00:00Z
  gantry offsets reset orders-to-validate --to -100 --partition 3 --reason "INC-7: replay" --yes
  gantry resume orders-to-validate`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			in, err := f.request(c)
			if err != nil {
				return err
			}
			return a.reset(c, words[0], f, in)
		},
	}
	c.Flags().StringVar(&f.to, "to", "", "earliest, latest, a time, an offset, or a shift such as +100 or -100")
	c.Flags().StringSliceVar(&f.partitions, "partition", nil, "only these, 3 or orders-3; default all")
	f.flags(c)
	return c
}

func (f *resetFlags) request(c *cobra.Command) (map[string]any, error) {
	partitions := []map[string]any{}
	for _, word := range f.partitions {
		id, err := partitionOf(word)
		if err != nil {
			return nil, usage(c, err)
		}
		partitions = append(partitions, id)
	}
	to, err := whereOf(f.to)
	if err != nil && f.token == "" {
		return nil, usage(c, err)
	}
	if err := f.check(c); err != nil {
		return nil, err
	}
	return map[string]any{"to": to, "partitions": partitions, "reason": f.reason, "token": f.token}, nil
}

// whereOf reads --to.
func whereOf(word string) (map[string]any, error) {
	if word == "earliest" || word == "latest" {
		return map[string]any{"kind": word}, nil
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		kind := "offset"
		if strings.ContainsAny(word[:1], "+-") {
			kind = "shift"
		}
		return map[string]any{"kind": kind, "offset": n}, nil
	}
	if at, err := time.Parse(time.RFC3339, word); err == nil {
		return map[string]any{"kind": "time", "time": at}, nil
	}
	return nil, fmt.Errorf("--to %q: want earliest, latest, a time such as 2026-11-23T03:00:00Z, an offset such as 1234, or a shift such as +100 or -100", word)
}

// resetAnswer is what would be done, or was.
type resetAnswer struct {
	Token      string     `json:"token,omitempty"`
	Done       bool       `json:"done"`
	Group      string     `json:"group"`
	Partitions []moveLine `json:"partitions"`
	Refusals   []string   `json:"refusals,omitempty"`
}

type moveLine struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"`
	Old       int64  `json:"old"`
	New       int64  `json:"new"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Replayed  int64  `json:"replayed"`
	Skipped   int64  `json:"skipped"`
	Moved     bool   `json:"moved,omitempty"`
}

func (a *app) reset(c *cobra.Command, id string, f resetFlags, in map[string]any) error {
	path := mappingPath(id, "/offsets/reset")
	var v resetAnswer
	if f.token == "" {
		if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &v}); err != nil {
			return err
		}
		if !f.yes {
			return a.show(v, func(w io.Writer) { v.print(w, id, f) })
		}
		in["token"] = v.Token
	}
	var done resetAnswer
	if err := a.do(c.Context(), call{method: "POST", path: path, in: in, out: &done}); err != nil {
		return err
	}
	return a.show(done, func(w io.Writer) { done.print(w, id, f) })
}

func (v resetAnswer) print(w io.Writer, id string, f resetFlags) {
	fmt.Fprintf(w, "group %s\n", v.Group)
	row(w, "PARTITION", "OLD", "NEW", "COME AGAIN", "NOT READ", "OLDEST", "END", "")
	var again, not int64
	for _, m := range v.Partitions {
		note := ""
		if m.Moved {
			note = "moved to the end of the log that is nearest"
		}
		row(w, fmt.Sprintf("%s-%d", m.Topic, m.Partition), m.Old, m.New, m.Replayed, m.Skipped, m.Start, m.End, note)
		again, not = again+m.Replayed, not+m.Skipped
	}
	fmt.Fprintf(w, "\nat most %s come again, at most %s are not read\n", records(again), records(not))
	switch {
	case v.Done:
		fmt.Fprintf(w, "done; to go on: gantry resume %s\n", id)
	case len(v.Refusals) > 0:
		fmt.Fprintf(w, "nothing was changed, and this stands in the way:\n%s\n", indent(strings.Join(v.Refusals, "\n")))
	default:
		fmt.Fprintf(w, "nothing was changed; to do it:\n  gantry offsets reset %s --to %s --reason %s --yes --token %s\n", id, f.to, quoted(f.reason), v.Token)
	}
}
