package main

import (
	"os"
	"path/filepath"
	"testing"

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
