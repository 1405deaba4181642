package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// fetch asks for what is at a path and prints it: the API's answer as it came with -o
// json, else by table, which finds it in out.
func (a *app) fetch(ctx context.Context, path string, out any, table func(w io.Writer)) error {
	var answer json.RawMessage
	if err := a.do(ctx, call{method: "GET", path: path, out: &answer}); err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return a.show(answer, table)
}

// show prints a value as JSON where -o json asks for it, else by table.
func (a *app) show(value any, table func(w io.Writer)) error {
	switch a.output {
	case "json":
		enc := json.NewEncoder(a.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	default:
		w := tabwriter.NewWriter(a.Out, 0, 8, 2, ' ', 0)
		table(w)
		return w.Flush()
	}
}

// tell prints one line for people, or a value with -o json.
func (a *app) tell(value any, line string, words ...any) error {
	return a.show(value, func(w io.Writer) { fmt.Fprintf(w, line+"\n", words...) })
}

// records counts records: 1 record, 2 records.
func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// row writes one line of a table.
func row(w io.Writer, cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, c)
	}
	fmt.Fprintln(w)
}

// ago is a time as people say it.
func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

// indent puts a paragraph under its heading.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
