package watch_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// TestTheDashboardIsOfGrafanasModel compiles it as a value of the types that Grafana
// publishes: a member that is not there, or of another kind, is an error.
func TestTheDashboardIsOfGrafanasModel(t *testing.T) {
	t.Parallel()
	modules := filepath.Dir(filepath.Dir(gantrytest.Kit(t, "npm-grafana/node_modules/typescript", "tsc")))
	modules = filepath.Dir(modules)
	board, err := os.ReadFile(monitoring + "gantry-dashboard.json")
	require.NoError(t, err)
	require.Empty(t, faultsOf(t, modules, string(board)))

	broken := strings.Replace(string(board), `"unit": "s"`, `"unitt": "s"`, 1)
	require.NotEqual(t, string(board), broken)
	require.Contains(t, faultsOf(t, modules, broken), "unitt", "it can fail")
}

// faultsOf is what the compiler says.
func faultsOf(t *testing.T, modules, board string) string {
	t.Helper()
	head, err := os.ReadFile("testdata/dashboard.head.ts")
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	write("package.json", `{"type": "module"}`)
	write("dashboard.ts", string(head)+board)
	write("tsconfig.json", `{"compilerOptions": {"noEmit": true, "strict": true, "skipLibCheck": true, "module": "nodenext", "moduleResolution": "nodenext", "target": "es2022", "types": []}, "files": ["dashboard.ts"]}`)
	out, err := exec.Command("node", filepath.Join(modules, "typescript", "bin", "tsc"), "-p", dir).CombinedOutput()
	if err == nil {
		return ""
	}
	require.NotEmpty(t, out, "%v", err)
	return string(out)
}

// queries are those of every panel, with the dashboard's variables filled in.
func queries(t *testing.T) []string {
	t.Helper()
	body, err := os.ReadFile(monitoring + "gantry-dashboard.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	require.NoError(t, json.Unmarshal(body, &board))
	fill := strings.NewReplacer("$mapping", ".*", "$__rate_interval", "30s")
	var all []string
	for _, p := range board.Panels {
		require.NotEmpty(t, p.Targets)
		for _, q := range p.Targets {
			all = append(all, fill.Replace(q.Expr))
		}
	}
	return all
}
