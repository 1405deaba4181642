package door_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

func TestDataKeyIsMadeOnceAndReadBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, made, err := door.DataKey(t.Context(), dir)
	require.NoError(t, err)
	require.True(t, made)
	require.Regexp(t, `^GANTRY[A-Z2-7]{14}$`, first.ID)
	require.Len(t, first.Secret, 40)
	file := filepath.Join(dir, door.CredentialsFile)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no half-written file is left over")

	again, made, err := door.DataKey(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, first.ID, again.ID)
	require.True(t, first.Secret == again.Secret)

	other, _, err := door.DataKey(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.NotEqual(t, first.ID, other.ID)

	require.NoError(t, os.Chmod(file, 0o644))
	_, _, err = door.DataKey(t.Context(), dir)
	require.ErrorContains(t, err, "chmod 600")
	require.NoError(t, os.Chmod(file, 0o600))
	require.NoError(t, os.WriteFile(file, []byte("[default]\naws_access_key_id = ab\n"), 0o600))
	_, _, err = door.DataKey(t.Context(), dir)
	require.ErrorContains(t, err, "remove the file to get a new pair")
}

func TestKeysNameEveryFault(t *testing.T) {
	t.Parallel()
	_, err := door.NewKeys(
		door.Key{ID: "a b", Secret: "short", Role: "king"},
		door.Key{ID: testID, Secret: testSecret},
		door.Key{ID: testID, Secret: testSecret},
	)
	for _, text := range []string{`keys[0] "a b"`, "letters, digits", "16 characters", `"king"`, "keys[2]", "twice"} {
		require.ErrorContains(t, err, text)
	}
	require.NotContains(t, err.Error(), "short\"")
}

func TestKeysDoNotShowTheirSecret(t *testing.T) {
	t.Parallel()
	key := door.Key{ID: testID, Secret: testSecret}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(format, key), testSecret, format)
	}
	require.Equal(t, testID, key.LogValue().String())
}
