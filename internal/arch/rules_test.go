package arch_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"gantry/internal/arch"
)

var update = flag.Bool("update", false, "rewrite the case files in testdata with what the rules say now")

const answer = "breaches"

// TestRules shows that every rule can fail, and where it does not: a case file is a small
// tree ("-- path --" begins a file) that ends with the breaches its rule finds in it.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, rule := range arch.Rules() {
		if rule.Name == "words" {
			continue // a case file with such words would break the rule itself; see TestWords
		}
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", rule.Name+".txt")
			want, files := cases(t, file)
			tree, err := arch.Load(files)
			require.NoError(t, err)
			got := spelled(rule.Check(tree))
			if *update {
				rewrite(t, file, got)
				return
			}
			require.NotEmpty(t, got, "%s never fails", file)
			require.Equal(t, want, got)
		})
	}
}

func TestLengthWarnsBeforeItRefuses(t *testing.T) {
	t.Parallel()
	_, files := cases(t, filepath.Join("testdata", "length.txt"))
	files["kafka/long.go"] = &fstest.MapFile{Data: []byte("package kafka\n" + strings.Repeat("\n", 400))}
	files["kafka/longer.go"] = &fstest.MapFile{Data: []byte("package kafka\n" + strings.Repeat("\n", 800))}
	tree, err := arch.Load(files)
	require.NoError(t, err)
	require.Contains(t, spelled(arch.LengthWarnings(tree)), "kafka/long.go: 401 lines")
	require.NotContains(t, spelled(arch.LengthWarnings(tree)), "kafka/longer.go")
	require.Contains(t, spelled(arch.Length(tree)), "kafka/longer.go: 801 lines")
}

func TestWords(t *testing.T) {
	t.Parallel()
	tree, err := arch.Load(fstest.MapFS{
		"docs/guide.md":   {Data: []byte("first\nsee /root" + "/notes\n")},
		"examples/run.sh": {Data: []byte("curl https://registry." + "npmjs.org/x\n")},
		"picture.png":     {Data: []byte("\x00 /root" + "/")},
		"docs/fine.md":    {Data: []byte("session.timeout.ms, root cause, work/\n")},
	})
	require.NoError(t, err)
	found := spelled(arch.Words(tree))
	require.Contains(t, found, "docs/guide.md:2: ")
	require.Contains(t, found, "examples/run.sh:1: ")
	require.Equal(t, 2, strings.Count(found, "\n"), found)
}

func TestFileThatDoesNotParse(t *testing.T) {
	t.Parallel()
	_, err := arch.Load(fstest.MapFS{"kafka/half.go": {Data: []byte("package kafka\nfunc (")}})
	require.ErrorContains(t, err, "kafka/half.go")
}

func spelled(found []arch.Breach) string {
	var b strings.Builder
	for _, breach := range found {
		b.WriteString(breach.String() + "\n")
	}
	return b.String()
}

// cases reads a case file into the tree it describes and the breaches it promises.
func cases(t *testing.T, file string) (string, fstest.MapFS) {
	t.Helper()
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	files := fstest.MapFS{}
	for _, section := range strings.Split("\n"+string(body), "\n-- ")[1:] {
		name, text, ok := strings.Cut(section, " --\n")
		require.True(t, ok, "%s: a section has no end to its name", file)
		files[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	want := files[answer]
	require.NotNil(t, want, "%s has no section %q", file, answer)
	delete(files, answer)
	return strings.TrimSuffix(string(want.Data), "\n"), files
}

func rewrite(t *testing.T, file, got string) {
	t.Helper()
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	mark := "-- " + answer + " --\n"
	tree, _, _ := strings.Cut(string(body), mark)
	require.NoError(t, os.WriteFile(file, []byte(tree+mark+got), 0o644))
}
