package main

import (
	"os"
	"path/filepath"
	"testing"

	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

func TestDocumentsHaveNotDrifted(t *testing.T) {
	t.Parallel()
	for path, want := range documents() {
		have, err := os.ReadFile(filepath.Join("../..", path))
		require.NoError(t, err)
		require.Equal(t, want, string(have), "%s has drifted from the code: go run ./internal/docgen", path)
	}
}

// TestEveryOperationHasARole: what the table of roles leaves out is an admin's, so that
// nothing is open by mistake; but it must not be left out.
func TestEveryOperationHasARole(t *testing.T) {
	t.Parallel()
	var names []string
	for _, o := range operations() {
		names = append(names, o.name)
	}
	require.Equal(t, names, door.Operations(), "api/door/roles.go lists every operation of both APIs, and no other")
}
