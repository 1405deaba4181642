package pipeline_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the case files with what the code does")

// TestCases runs the case files: what a function does with records, and the exact
// invocations, dead letters, losses by choice and commits that follow. A case is a
// "case" line, directives (case_test.go has them all) and, after each "----", what
// happened since the one before. In every case a witness holds each commit that reaches
// the broker against the records: none may pass one that is unresolved.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			runFile(t, file)
		})
	}
}

func runFile(t *testing.T, file string) {
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	head, cases := split(string(body))
	got := make([]string, len(cases))
	t.Run("case", func(t *testing.T) {
		for i, text := range cases {
			name, _, _ := strings.Cut(text, "\n")
			t.Run(strings.ReplaceAll(strings.TrimPrefix(name, "case "), " ", "-"), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { got[i] = play(t, text) })
				if !*update {
					require.Equal(t, text, got[i])
				}
			})
		}
	})
	if *update && !t.Failed() {
		require.NoError(t, os.WriteFile(file, []byte(head+strings.Join(got, "")), 0o644))
	}
}

// split cuts a file before each "case" line; what comes before the first is its head.
func split(body string) (head string, cases []string) {
	for _, line := range strings.SplitAfter(body, "\n") {
		switch {
		case strings.HasPrefix(line, "case "):
			cases = append(cases, line)
		case len(cases) == 0:
			head += line
		default:
			cases[len(cases)-1] += line
		}
	}
	return head, cases
}
