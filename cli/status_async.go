package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// asyncLine is what waits for a function that somebody invoked without waiting for it.
type asyncLine struct {
	Function string  `json:"function"`
	Waiting  int     `json:"waiting"`
	Oldest   float64 `json:"oldestSeconds"`
	Problem  string  `json:"problem"`
}

// printAsync shows which functions have events that wait, and why they do not get on.
func printAsync(w io.Writer, all []asyncLine) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "asynchronous invocations that wait:")
	row(w, "FUNCTION", "EVENTS", "OLDEST", "PROBLEM")
	for _, a := range all {
		problem := "-"
		if a.Problem != "" {
			problem = strings.TrimSpace(a.Problem)
		}
		row(w, a.Function, a.Waiting, inDays(time.Duration(a.Oldest*float64(time.Second))), problem)
	}
	fmt.Fprintln(w)
}
