package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder is a kit that needs no registry: each thing in it is a file of that name.
func folder(of ...string) Kit {
	return Kit{Name: "folder", Of: of, fill: func(dir string, of []string) [][]string {
		var steps [][]string
		for _, f := range of {
			steps = append(steps, []string{"touch", filepath.Join(dir, f)})
		}
		return steps
	}}
}

func TestKitIsFetchedOnceAndAgainWhenItsPinsChange(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	parts := func(k Kit) []Part { return []Part{{Name: "a", Kits: []Kit{k}}, {Name: "b", Kits: []Kit{k}}} }
	var out bytes.Buffer
	fetch(t.Context(), parts(folder("one", "two")), cache, &out)
	require.Equal(t, 1, strings.Count(out.String(), "fetch one, two"), out.String())
	require.FileExists(t, filepath.Join(cache, "folder", "two"))

	out.Reset()
	fetch(t.Context(), parts(folder("one", "two")), cache, &out)
	require.Empty(t, out.String())

	fetch(t.Context(), parts(folder("three")), cache, &out)
	require.FileExists(t, filepath.Join(cache, "folder", "three"))
	require.NoFileExists(t, filepath.Join(cache, "folder", "two"))
}

func TestKitThatFailsIsSaidAndTriedAgain(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	k := folder("no/such/folder")
	var out bytes.Buffer
	fetch(t.Context(), []Part{{Kits: []Kit{k}}}, cache, &out)
	require.Contains(t, out.String(), "that failed")
	require.False(t, k.filled(cache))
	_, err := os.Stat(filepath.Join(cache, "log", "folder.log"))
	require.NoError(t, err)
}

func TestKitWithoutItsToolIsLeftAlone(t *testing.T) {
	t.Parallel()
	k := folder("one")
	k.Needs = []Tool{{Name: "nothing", Probe: []string{"gantry-no-such-command"}}}
	var out bytes.Buffer
	fetch(t.Context(), []Part{{Kits: []Kit{k}}}, t.TempDir(), &out)
	require.Empty(t, out.String())
}

func TestToolsAreInstalledOnlyWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	lack := []Tool{{Name: "Fortran", Debian: []string{"gfortran", "make"}, Without: "weather"}}
	var out bytes.Buffer
	install(t.Context(), lack, false, &out)
	require.Contains(t, out.String(), "missing: Fortran (without it: no weather)")
	require.Contains(t, out.String(), "would run: apt-get install -y --no-install-recommends gfortran make")
	require.Contains(t, out.String(), "INSTALL=1")
}

// What a package of a kit needs is pinned with it: a release of somebody else's would change
// what the tests see.
func TestEveryPackageOfPythonIsPinned(t *testing.T) {
	t.Parallel()
	for _, k := range kitsOf(parts) {
		if !strings.HasPrefix(k.Name, "venv-") {
			continue
		}
		pinned := strings.Fields(string(k.pinned()))
		require.NotEmpty(t, pinned, "pins/%s.txt is missing", k.Name)
		for _, p := range pinned {
			require.Regexp(t, `^[A-Za-z0-9._-]+==[^ ]+$`, p, k.Name)
		}
		for _, wanted := range k.Of {
			name, version, _ := strings.Cut(wanted, "==")
			name, _, _ = strings.Cut(name, "[")
			require.Contains(t, lower(pinned), strings.ToLower(strings.ReplaceAll(name, "_", "-")+"=="+version), k.Name)
		}
	}
}

func lower(all []string) []string {
	low := make([]string, len(all))
	for i, s := range all {
		low[i] = strings.ToLower(strings.ReplaceAll(s, "_", "-"))
	}
	return low
}
