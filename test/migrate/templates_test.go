package migrate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const templates = "../../cli/testdata/export"

// refusedByAWS are the lines of cfn-lint about what an export has named and its owner has
// accepted: AWS would refuse it too.
var refusedByAWS = map[string][]string{
	"beyond": {"'x' does not match", "'[::1]:9092' does not match", "'kafka_2:9092' does not match"},
}

// The templates that package cli holds as its cases pass AWS's linters: what they find is
// what the export had named, and no more.
func TestTemplatesPassAWSLinters(t *testing.T) {
	t.Parallel()
	lint := gantrytest.Kit(t, "venv-templates", "cfn-lint")
	files, err := filepath.Glob(filepath.Join(templates, "*.*.yaml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 8)
	out, _ := exec.CommandContext(t.Context(), lint, append([]string{"--format", "parseable"}, files...)...).CombinedOutput()
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if file, _, ok := strings.Cut(line, ":"); ok {
			found[filepath.Base(file)] = append(found[filepath.Base(file)], line)
		}
	}
	for _, file := range files {
		base := filepath.Base(file)
		name, _, _ := strings.Cut(base, ".")
		require.Len(t, found[base], len(refusedByAWS[name]), string(out))
		for i, text := range refusedByAWS[name] {
			require.Contains(t, found[base][i], text)
		}
		delete(found, base)
	}
	require.Empty(t, found, "lines about nothing that was asked")
}

// A template with a fault does not pass: the linter looks at what it is given.
func TestLintersFindFaults(t *testing.T) {
	t.Parallel()
	lint, sam := gantrytest.Kit(t, "venv-templates", "cfn-lint"), gantrytest.Kit(t, "venv-templates", "sam")
	text, err := os.ReadFile(filepath.Join(templates, "plain.sam.yaml"))
	require.NoError(t, err)
	broken := filepath.Join(t.TempDir(), "template.yaml")
	require.NoError(t, os.WriteFile(broken, []byte(strings.Replace(string(text), "BatchSize: 500", "BatchSize: 50000", 1)), 0o600))
	out, err := exec.CommandContext(t.Context(), lint, broken).CombinedOutput()
	require.Error(t, err, string(out))
	require.Contains(t, string(out), "50000")
	out, err = samValidate(t, sam, broken)
	require.Error(t, err, string(out))
}

// sam validate takes SAM's templates, with its own linter, without credentials.
func TestTemplatesPassSAM(t *testing.T) {
	t.Parallel()
	sam := gantrytest.Kit(t, "venv-templates", "sam")
	for _, name := range []string{"plain", "msk", "integration"} {
		out, err := samValidate(t, sam, filepath.Join(templates, name+".sam.yaml"))
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "is a valid SAM Template")
	}
}

func samValidate(t *testing.T, sam, file string) ([]byte, error) {
	t.Helper()
	path, err := filepath.Abs(file)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), sam, "validate", "--lint", "-t", path)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "HOME="+cmd.Dir)
	return cmd.CombinedOutput()
}
