package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cli"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	people := gantry(t, "", "version")
	require.Equal(t, 0, people.code, people.err)
	require.Equal(t, "gantry test\ncommit    abc\ntime      2030-01-02T03:04:05Z\n", people.out)
	machines := gantry(t, "", "version", "-o", "json")
	var b cli.Build
	require.NoError(t, json.Unmarshal([]byte(machines.out), &b))
	require.Equal(t, cli.Build{Version: "test", Commit: "abc", Time: "2030-01-02T03:04:05Z"}, b)
}

func TestManualPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	written := gantry(t, "", "man", dir)
	require.Equal(t, 0, written.code, written.err)
	page, err := os.ReadFile(filepath.Join(dir, "gantry-status.1"))
	require.NoError(t, err)
	require.Contains(t, string(page), `"Jan 2030"`)
	require.Contains(t, string(page), "gantry status -o json")
	require.Equal(t, 1, gantry(t, "", "man", filepath.Join(dir, "nowhere")).code)
}
