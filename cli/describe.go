package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

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
	return a.fetch(c.Context(), "/gantry/v1/functions/"+url.PathEscape(name), &fn, func(w io.Writer) { printMembers(w, fn) })
}

// view is a mapping whole, as far as it is shown.
type view struct {
	Mapping json.RawMessage           `json:"mapping"`
	Status  statusView                `json:"status"`
	Fan     []functionState           `json:"functions"`
	Lanes   []laneView                `json:"lanes"`
	Counts  map[string]int64          `json:"counts"`
	Lag     *struct{ Max, Sum int64 } `json:"lag"`
	Error   string                    `json:"recentError"`
}

// functionState is one of several functions of a mapping.
type functionState struct {
	Function string `json:"function"`
	Result   string `json:"processingResult"`
	Detail   string `json:"detail"`
	InFlight int    `json:"inFlight"`
	Open     int    `json:"open"`
	Blocked  int    `json:"blocked"`
}

type statusView struct {
	State  string `json:"state"`
	Reason string `json:"reason"`
	Result string `json:"processingResult"`
	Detail string `json:"detail"`
}

type lossView struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Count     int64  `json:"count"`
	Resume    int64  `json:"resume"`
	Reason    string `json:"reason"`
}

type laneView struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Committed int64     `json:"committed"`
	Resume    int64     `json:"resume"`
	Tail      int64     `json:"tail"`
	Waiting   int       `json:"waiting"`
	Attempts  int       `json:"attempts"`
	Since     time.Time `json:"since"`
	Detail    string    `json:"detail"`
	Blocked   string    `json:"blocked"`
	Lanes     int       `json:"lanes"`
	Flying    int       `json:"flying"`
	Changing  bool      `json:"changing"`
	Span      spanView  `json:"span"`
	Stands    []struct {
		Lane     int       `json:"lane"`
		Function string    `json:"function"`
		Offset   int64     `json:"offset"`
		Attempts int       `json:"attempts"`
		Since    time.Time `json:"since"`
		Detail   string    `json:"detail"`
	} `json:"stands"`
	Readers []struct {
		Function string `json:"function"`
		Resume   int64  `json:"resume"`
		Open     int    `json:"open"`
	} `json:"readers"`
}

type spanView struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	Full    bool  `json:"full"`
}

func (a *app) describeMapping(c *cobra.Command, id string) error {
	var v view
	return a.fetch(c.Context(), mappingPath(id), &v, func(w io.Writer) {
		printMembers(w, v.Mapping, "positions") // where it began long ago: in the JSON
		row(w, "state:", v.Status.State, "("+v.Status.Reason+")")
		row(w, "last result:", v.Status.Result)
		if v.Status.Detail != "" {
			fmt.Fprintln(w, indent(v.Status.Detail))
		}
		if v.Error != "" && v.Error != v.Status.Detail {
			fmt.Fprintf(w, "recent error:\n%s\n", indent(v.Error))
		}
		if v.Lag != nil {
			row(w, "lag:", v.Lag.Sum, fmt.Sprintf("(at most %d in one partition)", v.Lag.Max))
		}
		printFunctions(w, v.Fan)
		printLanes(w, v.Lanes)
		fmt.Fprintln(w)
		for _, name := range slices.Sorted(maps.Keys(v.Counts)) {
			row(w, name, v.Counts[name])
		}
	})
}

// printFunctions shows each of several functions.
func printFunctions(w io.Writer, list []functionState) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w)
	row(w, "FUNCTION", "IN FLIGHT", "OPEN", "BLOCKED", "LAST RESULT")
	for _, f := range list {
		row(w, f.Function, f.InFlight, f.Open, f.Blocked, strings.TrimSpace(f.Result+" "+f.Detail))
	}
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
		row(w, fmt.Sprintf("%s-%d", l.Topic, l.Partition), l.Committed, l.Resume, l.Tail, l.Waiting, l.Attempts, ago(l.Since), wrong)
	}
	for _, l := range lanes {
		printSeveral(w, l)
	}
}

// printSeveral says what only a partition with several lanes has: how many work, what a
// crash would repeat, and which of them stand.
func printSeveral(w io.Writer, l laneView) {
	if l.Changing {
		fmt.Fprintf(w, "%s-%d: other lanes begin when what is in hand is resolved\n", l.Topic, l.Partition)
	}
	if l.Lanes < 2 {
		return
	}
	full := ""
	if l.Span.Full {
		full = fmt.Sprintf("; full: nothing more is taken before offset %d is resolved", l.Resume)
	}
	fmt.Fprintf(w, "%s-%d: %d of %d lanes at work; uncommitted span %d records, %d bytes%s\n",
		l.Topic, l.Partition, l.Flying, l.Lanes, l.Span.Records, l.Span.Bytes, full)
	for _, r := range l.Readers {
		fmt.Fprintf(w, "  %s is at offset %d, %d records not resolved\n", r.Function, r.Resume, r.Open)
	}
	for _, st := range l.Stands {
		of := ""
		if len(l.Readers) > 0 {
			of = " of " + st.Function
		}
		fmt.Fprintf(w, "  lane %d%s stands at offset %d since %s, %d attempts: %s\n", st.Lane, of, st.Offset, ago(st.Since), st.Attempts, st.Detail)
	}
}
