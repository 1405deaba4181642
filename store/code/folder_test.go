package code_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/store/code"
)

// A folder that is edited in place is another one; what an interpreter leaves there is not.
func TestAFolderIsKnownByItsContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), mode))
		require.NoError(t, os.Chmod(path, mode))
	}
	digest := func() string {
		sum, err := code.Folder(t.Context(), dir)
		require.NoError(t, err)
		return sum
	}
	write("handler.py", "def handler(e, c): return 1", 0o644)
	first := digest()
	require.Len(t, first, 64)
	require.Equal(t, first, digest())
	write("__pycache__/handler.pyc", "compiled", 0o644)
	write("lib/__pycache__/a.pyc", "compiled", 0o644)
	require.Equal(t, first, digest())

	write("handler.py", "def handler(e, c): return 2", 0o644)
	edited := digest()
	require.NotEqual(t, first, edited)
	write("lib/a.py", "", 0o644)
	added := digest()
	require.NotEqual(t, edited, added)
	require.NoError(t, os.Rename(filepath.Join(dir, "lib/a.py"), filepath.Join(dir, "lib/b.py")))
	require.NotEqual(t, added, digest())
	require.NoError(t, os.Remove(filepath.Join(dir, "lib/b.py")))
	require.Equal(t, edited, digest())
	write("handler.py", "def handler(e, c): return 1", 0o644)
	require.Equal(t, first, digest(), "it was taken back")

	elsewhere := filepath.Join(t.TempDir(), "x.py")
	require.NoError(t, os.WriteFile(elsewhere, []byte("1"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "x.py")))
	linked := digest()
	require.NoError(t, os.WriteFile(elsewhere, []byte("2"), 0o600))
	require.NotEqual(t, linked, digest(), "what a link points to is run")

	_, err := code.Folder(t.Context(), filepath.Join(dir, "nowhere"))
	require.ErrorContains(t, err, "nowhere")
}
