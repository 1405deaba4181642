package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// archive is a file as somebody else may have made it: the manifest first.
func archive(t *testing.T, parts map[string]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	names := []string{"manifest.json"}
	for name := range parts {
		if name != names[0] {
			names = append(names, name)
		}
	}
	for _, name := range names {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(parts[name])), Mode: 0o600}))
		_, err := io.WriteString(w, parts[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return &b
}
