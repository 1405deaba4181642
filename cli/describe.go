package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"maps"

	"github.com/spf13/cobra"
)

func (a *app) describeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "describe mapping|function NAME", Short: "Show everything about one mapping or function",
		Example: "  gantry describe mapping orders-to-validate\n  gantry describe function order-validate -o json",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, words []string) error {
			kind, err := kindOf(c, words[0])
			if err != nil {
				return err
			}
			if kind == "functions" {
				return a.describeFunction(c, words[1])
			}
			return a.describeMapping(c, words[1])
		},
	}
}

func (a *app) describeFunction(c *cobra.Command, name string) error {
	var fn json.RawMessage
	if err := a.do(c.Context(), call{method: "GET", path: "/gantry/v1/functions/" + url.PathEscape(name), out: &fn}); err != nil {
		return err
	}
	return a.show(fn, func(w io.Writer) { printMembers(w, fn) })
}

// printMembers prints the members of a JSON object that say something.
func printMembers(w io.Writer, object json.RawMessage) {
	var members map[string]any
	if json.Unmarshal(object, &members) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch v := members[name].(type) {
		case nil, bool:
			if v == true {
				row(w, name+":", "yes")
			}
		case string:
			if v != "" {
				row(w, name+":", v)
			}
		default:
			if text, _ := json.Marshal(v); string(text) != "{}" && string(text) != "0" {
				row(w, name+":", string(text))
			}
		}
	}
}

// view is a mapping whole, as far as it is shown.
type view struct {
	Mapping json.RawMessage  `json:"mapping"`
	Status  statusView       `json:"status"`
	Lanes   []laneView       `json:"lanes"`
	Counts  map[string]int64 `json:"counts"`
}

type statusView struct {
	State, Reason, ProcessingResult, Detail string
	Since                                   time.Time
	Lost                                    []lossView
}

type lossView struct {
	Topic                      string
	Partition                  int32
	First, Last, Count, Resume int64
	Reason                     string
}

type laneView struct {
	Partition struct {
		Topic string
		Index int32
	}
	Committed, Resume, Tail int64
	Waiting, Attempts       int
	InFlight, Paused        bool
	Since, Retry            time.Time
	Detail, Blocked         string
}

func (a *app) describeMapping(c *cobra.Command, id string) error {
	var v view
	if err := a.do(c.Context(), call{method: "GET", path: mappingPath(id), out: &v}); err != nil {
		return err
	}
	return a.show(v, func(w io.Writer) {
		printMembers(w, v.Mapping)
		row(w, "state:", v.Status.State, "("+v.Status.Reason+")")
		row(w, "last result:", v.Status.ProcessingResult)
		if v.Status.Detail != "" {
			fmt.Fprintln(w, indent(v.Status.Detail))
		}
		printLanes(w, v.Lanes)
		fmt.Fprintln(w)
		for _, name := range slices.Sorted(maps.Keys(v.Counts)) {
			row(w, name, v.Counts[name])
		}
	})
}

func printLanes(w io.Writer, lanes []laneView) {
	if len(lanes) == 0 {
		fmt.Fprintln(w, "\nthis process holds none of its partitions now")
		return
	}
	fmt.Fprintln(w)
	row(w, "PARTITION", "COMMITTED", "RESUME", "TAIL", "WAITING", "ATTEMPTS", "SINCE", "WHAT IS WRONG")
	for _, l := range lanes {
		wrong := l.Blocked
		if l.Detail != "" {
			wrong = l.Detail
		}
		row(w, fmt.Sprintf("%s-%d", l.Partition.Topic, l.Partition.Index), l.Committed, l.Resume, l.Tail, l.Waiting, l.Attempts, ago(l.Since), wrong)
	}
}
