package attack_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
	"gantry/internal/gantrytest"
)

type file struct {
	name, body string
	mode       fs.FileMode
}

func packed(t *testing.T, files ...file) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		out, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = out.Write([]byte(f.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// bomb is 300 MB of zeros in some 300 KB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range 3 {
		out, err := w.Create(fmt.Sprint("zeros", i))
		require.NoError(t, err)
		_, err = out.Write(make([]byte, 100<<20))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.Less(t, buf.Len(), 1<<20)
	return buf.Bytes()
}

// lying says of its zeros that they are one byte.
func lying(t *testing.T) []byte {
	body := bomb(t)
	for at := bytes.Index(body, []byte("PK\x01\x02")); at >= 0; {
		binary.LittleEndian.PutUint32(body[at+24:], 1)
		next := bytes.Index(body[at+4:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += 4 + next
	}
	return body
}

// TestPackages: no package writes outside its own folder or fills the disk, and what is
// refused leaves nothing.
func TestPackages(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	for name, body := range map[string][]byte{
		"zip slip":           packed(t, file{"../../../escaped", "x", 0o644}),
		"hidden zip slip":    packed(t, file{"a/../../escaped", "x", 0o644}),
		"absolute path":      packed(t, file{"/tmp/escaped", "x", 0o644}),
		"backslashes":        packed(t, file{`..\..\escaped`, "x", 0o644}),
		"link out":           packed(t, file{"l", "../../credentials", fs.ModeSymlink | 0o777}),
		"absolute link":      packed(t, file{"l", "/etc/shadow", fs.ModeSymlink | 0o777}),
		"write through link": packed(t, file{"l", ".", fs.ModeSymlink | 0o777}, file{"l/../../escaped", "x", 0o644}),
		"device":             packed(t, file{"d", "", fs.ModeDevice | 0o666}),
		"bomb":               bomb(t),
		"bomb that lies":     lying(t),
		"no zip":             []byte("#!/bin/sh\nrm -rf /"),
	} {
		document := fmt.Sprintf(`{"FunctionName":"evil","Runtime":"provided.al2023","Handler":"h","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":%q}}`,
			base64.StdEncoding.EncodeToString(body))
		status, kind, text := do(t, call{method: "POST", path: "/2015-03-31/functions", body: document, role: door.Admin}.request(t, g.URL))
		require.Equal(t, http.StatusBadRequest, status, name+text)
		require.Equal(t, "InvalidParameterValueException", kind, name)
		require.NotEmpty(t, errorText(t, text))
		apply := fmt.Sprintf(`{"name":"f.yaml","file":"functions: {evil: {runtime: provided.al2023, handler: h, code: ./x}}","code":{"evil":%q}}`,
			base64.StdEncoding.EncodeToString(body))
		status, kind, text = do(t, call{method: "POST", path: "/gantry/v1/apply", body: apply, role: door.Admin}.request(t, g.URL))
		require.Equal(t, http.StatusBadRequest, status, name+text)
		require.Equal(t, "InvalidParameterValueException", kind, name)
	}
	requireUntouched(t, g)
	for _, name := range []string{"..%2f..%2fetc%2fpasswd", "..", "a%00b"} {
		status, _, _ := do(t, call{method: "GET", path: "/2015-03-31/functions/" + name, role: door.Admin}.request(t, g.URL))
		require.NotEqual(t, http.StatusOK, status, name)
	}
}

func requireUntouched(t *testing.T, g *gantrytest.Gantry) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(g.DataDir, "code"))
	require.NoError(t, err)
	require.Empty(t, entries, "what is refused leaves nothing")
	require.NoFileExists(t, "/tmp/escaped")
	require.NoError(t, filepath.WalkDir(filepath.Dir(g.DataDir), func(path string, _ fs.DirEntry, err error) error {
		require.NotEqual(t, "escaped", filepath.Base(path))
		return err
	}))
}
