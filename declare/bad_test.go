package declare_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
)

var update = flag.Bool("update", false, "write the faults anew")

// Each file of testdata has one kind of mistake; beside it stands every fault, in the
// words an owner reads.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.bad.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".bad.yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			f, err := declare.Parse(text, declare.Identity{Name: filepath.Base(path), Dir: "/etc/gantry"})
			require.Nil(t, f)
			var faults *declare.Faults
			require.True(t, errors.As(err, &faults), "%v", err)
			for _, fault := range faults.List {
				require.Positive(t, fault.Line)
			}
			said := strings.TrimSuffix(path, ".bad.yaml") + ".faults.txt"
			if *update {
				require.NoError(t, os.WriteFile(said, []byte(err.Error()+"\n"), 0o644))
			}
			want, readErr := os.ReadFile(said)
			require.NoError(t, readErr)
			require.Equal(t, string(want), err.Error()+"\n")
		})
	}
}
