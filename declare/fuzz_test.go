package declare_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
)

// FuzzFile: whatever a configuration file holds, it is read, or refused with faults that
// each have their line.
func FuzzFile(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yaml")
	require.NoError(f, err)
	more, err := filepath.Glob("../examples/*/gantry.yaml")
	require.NoError(f, err)
	for _, path := range append(paths, more...) {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := declare.Parse(text, declare.Identity{Name: "f.yaml", Dir: "/etc/gantry"})
		if err == nil {
			require.NotNil(t, file)
			return
		}
		var faults *declare.Faults
		require.True(t, errors.As(err, &faults), "%T", err)
		require.NotEmpty(t, faults.List)
		for _, fault := range faults.List {
			require.Positive(t, fault.Line, "%v", fault)
		}
	})
}
