package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var update = flag.Bool("update", false, "write docs/errors.md and the case files anew")

// errorCase is one thing that goes wrong, done for real, and a row of docs/errors.md.
type errorCase struct {
	section  string
	did      string
	door     string
	want     string // LastProcessingResult, where AWS has one for it
	entry    string // of a file's mappings, for those that a file declares
	function string // a function of the file, for what it does
	show     func(t *testing.T, l *errorLab) shown
}

// shown is what the user sees.
type shown struct{ text, result, reason, try string }

// The doors through which something wrong comes in.
const (
	throughAPI   = "API, create"
	throughFile  = "file"
	whileRunning = "while it runs"
)

// errorCases are all of them, in the order of the document.
func errorCases() []errorCase {
	return slices.Concat(reachCases(), loginCases(), trustCases(), topicCases(), functionCases(), filterCases(),
		sourceCases(), runningCases(), numberCases(), fileCases())
}

// Each case is carried out against real brokers through the binary's own doors, and
// what it showed is the document.
func TestEveryErrorIsClear(t *testing.T) {
	cases := errorCases()
	l := newErrorLab(t, cases)
	rows := make([]*shown, len(cases))
	var all errgroup.Group
	all.SetLimit(12) // most of them wait for a timeout, more than -parallel lets run
	for i, c := range cases {
		all.Go(func() error {
			t.Run(strings.ReplaceAll(c.section+"/"+c.did+"/"+c.door, " ", "-"), func(t *testing.T) {
				s := c.show(t, l).normal(l)
				require.NotEmpty(t, s.text)
				require.Equal(t, c.want, s.result, "%+v", s)
				rows[i] = &s
			})
			return nil
		})
	}
	_ = all.Wait()
	if t.Failed() || slices.Contains(rows, nil) {
		return // a run of some cases only is no document
	}
	matchDocument(t, "../../docs/errors.md", errorDocument(cases, rows))
}

// matchDocument compares a generated document, or writes it under -update.
func matchDocument(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "%s has drifted: run the test with -update and read the difference", path)
}

const errorIntroduction = `# Errors

What goes wrong, what gantry says, and what to try. This document is written by a test (` + "`test/e2e`" + `) that did each of these things to the binary, with Apache Kafka brokers that ask for TLS, passwords, certificates and ACLs. Names and ports are made the same everywhere: ` + "`broker:9092`" + ` is the plaintext listener, 9093 SASL_SSL, 9094 TLS with client certificates.

Through the API a mapping whose cluster refuses is not created: the exception carries AWS's LastProcessingResult and the diagnosis. A file is applied even when a cluster can't be reached: its mapping is Enabled, shows the problem, and is tried again by itself. Both show in GetEventSourceMapping (LastProcessingResult, StateTransitionReason); the longer text is in ` + "`gantry status`, `gantry describe mapping`" + ` and the log.
`

// columns of a section's table; one that stays empty in a section is left out.
var columns = []struct {
	title string
	value func(c errorCase, s *shown) string
}{
	{"What was done", func(c errorCase, _ *shown) string { return c.did }},
	{"Door", func(c errorCase, _ *shown) string { return c.door }},
	{"Error", func(_ errorCase, s *shown) string { return s.text }},
	{"LastProcessingResult", func(_ errorCase, s *shown) string { return s.result }},
	{"StateTransitionReason", func(_ errorCase, s *shown) string { return s.reason }},
	{"What to try", func(_ errorCase, s *shown) string { return s.try }},
}

func errorDocument(cases []errorCase, rows []*shown) string {
	var b strings.Builder
	b.WriteString(errorIntroduction)
	for from := 0; from < len(cases); {
		to := from
		for to < len(cases) && cases[to].section == cases[from].section {
			to++
		}
		fmt.Fprintf(&b, "\n## %s\n\n", cases[from].section)
		writeTable(&b, cases[from:to], rows[from:to])
		from = to
	}
	return b.String()
}

func writeTable(b *strings.Builder, cases []errorCase, rows []*shown) {
	lines := make([]string, len(cases)+2)
	for _, column := range columns {
		var cells []string
		for i, c := range cases {
			cells = append(cells, cell(column.value(c, rows[i])))
		}
		if strings.Join(cells, "") == "" {
			continue
		}
		for i, text := range append([]string{column.title, "---"}, cells...) {
			lines[i] += "| " + text + " "
		}
	}
	for _, line := range lines {
		b.WriteString(line + "|\n")
	}
}

// cell makes a text fit a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", "<br>", "<", "&lt;").Replace(strings.TrimSpace(s))
}

// once does something for all cases, at the first one that needs it.
type once[T any] struct {
	sync.Once
	value T
}
