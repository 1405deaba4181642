package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/function"
	"gantry/mapping"
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
	var f functionDoc
	return a.fetch(c.Context(), "/gantry/v1/functions/"+url.PathEscape(name), &f, func(w io.Writer) { printFunction(w, f) })
}

// fact prints one line where there is something to say.
func fact(w io.Writer, name string, value any) {
	if text := fmt.Sprint(value); text != "" {
		row(w, label(name), text)
	}
}

// label is the name of a fact; none stands under the one before.
func label(name string) string {
	if name == "" {
		return ""
	}
	return name + ":"
}

func printFunction(w io.Writer, f functionDoc) {
	fact(w, "function", f.Name)
	fact(w, "description", f.Description)
	fact(w, "from", origin(f.Declared))
	fact(w, "runs", strings.TrimSpace(string(f.Kind)+" "+f.Runtime))
	fact(w, "handler", f.Handler+f.Integration)
	fact(w, "address", f.ARN+f.URL)
	fact(w, "code", f.Code.Dir)
	if f.Code.SHA256 != "" {
		fact(w, "code", fmt.Sprintf("%d bytes, sha256 %s", f.Code.Size, f.Code.SHA256))
	}
	fact(w, "timeout", f.Timeout)
	if f.Kind == function.Process {
		fact(w, "memory", fmt.Sprintf("%d MB", f.Memory))
		fact(w, "processes", orElse(f.Processes, "2 for each core"))
	}
	if f.Concurrency != nil {
		fact(w, "reserved concurrency", *f.Concurrency)
	}
	fact(w, "role", f.Role)
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		fact(w, "environment", name+"="+f.Environment[name])
	}
	for _, name := range slices.Sorted(maps.Keys(f.Settings)) {
		fact(w, "setting", name+"="+f.Settings[name])
	}
	fact(w, "modified", f.LastModified.Format(time.RFC3339))
}

func origin(declared bool) string {
	if declared {
		return "a file"
	}
	return "the API"
}

// orElse is a number, or what none means.
func orElse(n int, none string) string {
	if n <= 0 {
		return none
	}
	return fmt.Sprint(n)
}

// view is a mapping whole, as far as it is shown.
type view struct {
	Mapping mappingDoc       `json:"mapping"`
	Status  statusView       `json:"status"`
	Lanes   []laneView       `json:"lanes"`
	Counts  map[string]int64 `json:"counts"`
}

type statusView struct {
	State, Reason, ProcessingResult, Detail string
}

type lossView struct {
	Topic                      string
	Partition                  int32
	First, Last, Count, Resume int64
	Reason                     string
}

type laneView struct {
	Topic                   string
	Partition               int32
	Committed, Resume, Tail int64
	Waiting, Attempts       int
	Since                   time.Time
	Detail, Blocked         string
}

func (a *app) describeMapping(c *cobra.Command, id string) error {
	var v view
	return a.fetch(c.Context(), mappingPath(id), &v, func(w io.Writer) {
		printMapping(w, &v.Mapping)
		fact(w, "state", fmt.Sprintf("%s (%s)", v.Status.State, v.Status.Reason))
		fact(w, "last result", v.Status.ProcessingResult)
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

func printMapping(w io.Writer, m *mappingDoc) {
	fact(w, "mapping", m.Name)
	fact(w, "uuid", m.UUID)
	fact(w, "from", origin(m.Declared))
	fact(w, "function", m.Function)
	for _, pattern := range m.Filters {
		fact(w, "filter", pattern)
	}
	fact(w, "topic", m.Topic)
	fact(w, "cluster", strings.TrimSpace(m.Cluster+m.ARN+" "+strings.Join(m.Brokers, ",")))
	fact(w, "group", m.GroupID)
	start := m.Start
	if m.StartTime != nil {
		start += " " + m.StartTime.Format(time.RFC3339)
	}
	fact(w, "began at", start)
	fact(w, "batches", fmt.Sprintf("up to %d records or %s", m.BatchSize, cmp.Or(m.Window, mapping.DefaultWindow.String())))
	printControls(w, m)
	fact(w, "modified", m.LastModified.Format(time.RFC3339))
}

func printControls(w io.Writer, m *mappingDoc) {
	attempts, age := "no limit", "no limit"
	switch {
	case m.RetryAttempts >= 0:
		attempts = fmt.Sprint(m.RetryAttempts)
	case m.OnFailure != "":
		attempts = fmt.Sprint(mapping.RetriesWithDestination)
	}
	if m.RecordAge != "-1" {
		age = m.RecordAge
	}
	fact(w, "on failure", fmt.Sprintf("retries %s, record age %s", attempts, age))
	if m.Bisect {
		fact(w, "", "a failed batch is cut in two")
	}
	if m.PartialAnswers {
		fact(w, "", "the function names the records that failed")
	}
	if m.OnFailure != "" {
		fact(w, "", "records given up go to "+m.OnFailure)
	}
	if m.Pollers != nil {
		fact(w, "pollers", fmt.Sprintf("%d to %d", m.Pollers.Minimum, m.Pollers.Maximum))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Tags)) {
		fact(w, "tag", name+"="+m.Tags[name])
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
}
