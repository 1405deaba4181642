package arch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/arch"
)

// TestHouse holds every rule over the repository.
func TestHouse(t *testing.T) {
	t.Parallel()
	tree := load(t, repository(t))
	for _, rule := range arch.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			for _, breach := range rule.Check(tree) {
				t.Error(breach)
			}
		})
	}
}

// TestHouseSeesTheRepository guards against the quiet way for TestHouse to be green:
// reading nothing.
func TestHouseSeesTheRepository(t *testing.T) {
	t.Parallel()
	tree := load(t, repository(t))
	seen := map[string]bool{}
	for _, f := range tree.Go {
		seen[f.Path] = true
	}
	require.True(t, seen["record/record.go"], "record/record.go was not read")
	require.True(t, seen["internal/arch/arch_test.go"], "this file was not read")
}

// TestLengthWarnings lists what is near its limit. It reports and never fails.
func TestLengthWarnings(t *testing.T) {
	t.Parallel()
	for _, w := range arch.LengthWarnings(load(t, repository(t))) {
		t.Log(w)
	}
}

func load(t *testing.T, root string) *arch.Tree {
	t.Helper()
	tree, err := arch.Load(os.DirFS(root))
	require.NoError(t, err)
	return tree
}

// repository finds the root: the folder of go.mod, above this test.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		body, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(body), "module "+strings.TrimSuffix(arch.Module, "/")+"\n") {
			return dir
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, dir, parent, "no go.mod of this module above the test")
		dir = parent
	}
}
