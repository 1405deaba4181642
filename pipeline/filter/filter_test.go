package filter_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/filter"
	"gantry/record"
)

var update = flag.Bool("update", false, "rewrite the case files with what the code answers")

// TestCases runs the case files. A file is a list of blocks: "pattern" lines (several
// are ORed) and a "record" line (as many as one likes share the patterns before), then
// "----" and the answer. A record is the text behind the word, "null" stands for a
// record without value only as "record (null)", "record (hex) ff" gives bytes.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			got := answer(t, string(want))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			require.Equal(t, string(want), got)
		})
	}
}

// answer gives the text of a case file with every answer as the code has it.
func answer(t *testing.T, text string) string {
	var out strings.Builder
	var patterns []string
	var question string
	answered, answering := false, false
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "----":
			answered, answering = true, true
			fmt.Fprintf(&out, "----\n%s\n", decide(t, patterns, question))
			continue
		case line == "":
			answering = false
		case answering:
			continue
		case word == "pattern":
			if answered {
				patterns, question, answered = nil, "", false
			}
			patterns = append(patterns, strings.TrimSpace(rest))
		case word == "record":
			question = line
		}
		fmt.Fprintln(&out, line)
	}
	require.NoError(t, lines.Err())
	return out.String()
}

func decide(t *testing.T, patterns []string, question string) string {
	set, err := filter.CompileAll(patterns)
	if err != nil {
		return "refused: " + strings.ReplaceAll(err.Error(), "\n", "\n         ")
	}
	if question == "" {
		return "accepted"
	}
	rec := &record.Record{Value: valueOf(t, strings.TrimPrefix(strings.TrimPrefix(question, "record"), " "))}
	why := set.Decide(rec)
	require.Equal(t, why.Kept(), set.Keep(rec))
	if why.Kept() {
		return "keep: " + why.String()
	}
	return "drop: " + why.String()
}

func valueOf(t *testing.T, text string) []byte {
	if text == "(null)" {
		return nil
	}
	if digits, ok := strings.CutPrefix(text, "(hex) "); ok {
		var raw []byte
		_, err := fmt.Sscanf(digits, "%x", &raw)
		require.NoError(t, err)
		return raw
	}
	return []byte(text)
}

func TestNoFiltersKeepAll(t *testing.T) {
	t.Parallel()
	var none *filter.Set
	empty, err := filter.CompileAll(nil)
	require.NoError(t, err)
	for _, set := range []*filter.Set{none, empty} {
		require.True(t, set.Keep(&record.Record{Value: []byte(`{"a":1}`)}))
		require.True(t, set.Keep(&record.Record{}))
		require.Equal(t, filter.NoFilters, set.Decide(&record.Record{}))
	}
}

func TestOneSetServesManyGoroutines(t *testing.T) {
	t.Parallel()
	set, err := filter.CompileAll([]string{`{"value":{"n":[{"numeric":[">=",500]}],"s":[{"prefix":"é"}]}}`})
	require.NoError(t, err)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := worker; n < 1000; n += 8 {
				rec := record.Record{Value: fmt.Appendf(nil, `{"s":"\u00e9%d","n":%d}`, n, n)}
				if set.Keep(&rec) != (n >= 500) {
					t.Errorf("wrong for %s", rec.Value)
				}
			}
		})
	}
	all.Wait()
}

// TestLargeArrays holds the search to about linear work where two fields of one array
// element are asked for, and to a bound where arrays multiply.
func TestLargeArrays(t *testing.T) {
	t.Parallel()
	var items strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&items, `{"a":1,"b":%d,"c":0},`, i)
	}
	list := strings.TrimSuffix(items.String(), ",")
	one := record.Record{Value: []byte(`{"x":[` + list + `]}`)}
	two := record.Record{Value: []byte(`{"x":[` + list + `],"y":[` + list + `]}`)}

	last, err := filter.CompileAll([]string{`{"value":{"x":{"a":[1],"b":[9999]}}}`})
	require.NoError(t, err)
	require.Equal(t, filter.Matched, last.Decide(&one))
	none, err := filter.CompileAll([]string{`{"value":{"x":{"a":[1],"b":[10000]}}}`})
	require.NoError(t, err)
	require.Equal(t, filter.NotMatched, none.Decide(&one))
	product, err := filter.CompileAll([]string{`{"value":{"x.a":[1],"y.a":[1],"x.b":[{"exists":true}],"y.c":[1]}}`})
	require.NoError(t, err)
	require.Equal(t, filter.NotMatched, product.Decide(&two))
}
