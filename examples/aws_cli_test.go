package examples

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAWS runs the script for the aws CLI against a gantry that serves another example,
// with the export line that gantry prints, and sends a record through.
func TestAWS(t *testing.T) {
	t.Parallel()
	gantry := built(t)
	path := withAWS(t)
	g := serve(t, gantry, embedded(t, "error-controls/gantry.yaml"))
	script := exec.CommandContext(t.Context(), "sh", "aws-cli/create-mapping.sh")
	script.Env = append(g.exported(t), path, "HOME="+t.TempDir(), "AWS_PAGER=", "TOPIC=payments", "BROKERS="+g.brokers(t),
		"PYENV_ROOT="+os.Getenv("PYENV_ROOT"))
	out, err := script.CombinedOutput()
	require.NoError(t, err, string(out))
	_, rest, _ := strings.Cut(string(out), `"UUID": "`)
	uuid, _, _ := strings.Cut(rest, `"`)
	require.Len(t, uuid, 36, string(out))

	g.must(t, "produce", "payments", "--cluster", "mine", `{"id":"a","total":12.5,"amount":3}`)
	require.Eventually(t, func() bool {
		return strings.Contains(g.must(t, "describe", "mapping", uuid), "Enabled")
	}, 30*time.Second, 100*time.Millisecond)
	g.must(t, "wait", uuid, "--settled", "--timeout", "60s")
	require.Contains(t, g.must(t, "logs", "order-totals"), "payments-")
}

// withAWS gives a PATH with an aws CLI that works, from gantry's cache or the machine's.
func withAWS(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("GANTRY_CACHE")
	if cache == "" {
		home, _ := os.UserHomeDir() // without one there is only PATH
		cache = filepath.Join(home, ".cache", "gantry")
	}
	for _, path := range []string{filepath.Join(cache, "venv-aws", "bin") + ":" + os.Getenv("PATH"), os.Getenv("PATH")} {
		if works(t.Context(), path) {
			return "PATH=" + path
		}
	}
	t.Skip("no aws CLI on PATH: make test fetches one")
	return ""
}

func works(ctx context.Context, path string) bool {
	cmd := exec.CommandContext(ctx, "sh", "-c", "aws --version")
	cmd.Env = []string{"PATH=" + path, "PYENV_ROOT=" + os.Getenv("PYENV_ROOT")}
	return cmd.Run() == nil
}

// exported are the variables of the line that gantry serve prints.
func (s serving) exported(t *testing.T) []string {
	t.Helper()
	_, rest, ok := strings.Cut(s.log.String(), "export ")
	require.True(t, ok, s.log.String())
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Fields(line)
}

// brokers asks where the built-in broker is.
func (s serving) brokers(t *testing.T) string {
	t.Helper()
	var d struct {
		Mapping struct{ Brokers []string }
	}
	require.NoError(t, json.Unmarshal([]byte(s.must(t, "describe", "mapping", "payments-to-settle", "-o", "json")), &d))
	require.NotEmpty(t, d.Mapping.Brokers)
	return strings.Join(d.Mapping.Brokers, ",")
}
