package declare_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
)

func TestAPlanIsReadWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/plans/orders.yaml")
	require.NoError(t, err)
	p, err := declare.Plan(text, "orders.yaml")
	require.NoError(t, err)
	got, err := json.MarshalIndent(p, "", "  ")
	require.NoError(t, err)
	golden(t, "testdata/plans/orders.json", string(got)+"\n")
}

func TestBadPlansHaveEveryFaultWithItsLine(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/plans/*.bad.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = declare.Plan(text, filepath.Base(path))
		require.Error(t, err)
		golden(t, strings.TrimSuffix(path, ".bad.yaml")+".faults.txt", err.Error()+"\n")
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
