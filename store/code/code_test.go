package code

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// entry is one line of a zip to be made.
type entry struct {
	name string
	body string
	mode fs.FileMode
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = f.Write([]byte(e.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func open1(t *testing.T) (*Code, string) {
	t.Helper()
	dir := t.TempDir()
	c, err := Open(dir)
	require.NoError(t, err)
	return c, dir
}

func TestSaveUnpacksOnceAndKeepsTheZip(t *testing.T) {
	t.Parallel()
	c, data := open1(t)
	body := zipOf(t,
		entry{"bootstrap", "#!/bin/sh\n", 0o700},
		entry{"lib/", "", fs.ModeDir | 0o777},
		entry{"lib/deep/handler.py", "x = 1\n", 0o600},
		entry{"./read-only", "", 0o400},
		entry{"sticky", "", fs.ModeSetuid | 0o777},
		entry{"lib/link", "deep/handler.py", fs.ModeSymlink | 0o777},
		entry{"lib/up", "../bootstrap", fs.ModeSymlink | 0o777},
	)
	saved, err := c.Save(t.Context(), body)
	require.NoError(t, err)
	digest := sha256.Sum256(body)
	require.Equal(t, base64.StdEncoding.EncodeToString(digest[:]), saved.SHA256)
	require.EqualValues(t, len(body), saved.Size)

	dir, err := c.Dir(saved.SHA256)
	require.NoError(t, err)
	for name, mode := range map[string]fs.FileMode{"bootstrap": 0o744, "lib/deep/handler.py": 0o644, "read-only": 0o644, "sticky": 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
	}
	text, err := os.ReadFile(filepath.Join(dir, "lib/link"))
	require.NoError(t, err)
	require.Equal(t, "x = 1\n", string(text))

	again, err := c.Save(t.Context(), body)
	require.NoError(t, err)
	require.Equal(t, saved, again)
	back, err := c.Zip(saved.SHA256)
	require.NoError(t, err)
	require.Equal(t, body, back)

	require.NoError(t, os.RemoveAll(dir), "an unpacked folder that was lost")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			same, err := c.Dir(saved.SHA256)
			if err != nil || same != dir {
				t.Errorf("Dir: %s %v", same, err)
			}
		})
	}
	all.Wait()
	require.FileExists(t, filepath.Join(dir, "bootstrap"))
	requireNothingBut(t, data, 2)
	info, err := os.Stat(filepath.Join(data, "code"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}

// requireNothingBut: no half-written file is left over.
func requireNothingBut(t *testing.T, data string, n int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(data, "code"))
	require.NoError(t, err)
	require.Len(t, entries, n)
}

func TestRefusedPackages(t *testing.T) {
	t.Parallel()
	good := zipOf(t, entry{"a", strings.Repeat("some text ", 1000), 0o644})
	link := func(name, target string) entry { return entry{name, target, fs.ModeSymlink | 0o777} }
	for name, tc := range map[string]struct {
		zip  []byte
		says []string
	}{
		"no bytes":            {nil, []string{empty}},
		"no entries":          {zipOf(t), []string{empty}},
		"not a zip":           {[]byte("#!/bin/sh"), []string{notReadable}},
		"cut off":             {good[:len(good)-30], []string{notReadable}},
		"damaged inside":      {flip(good, 40), []string{notReadable}},
		"zip slip":            {zipOf(t, entry{"../evil", "", 0o644}), []string{`"../evil"`, "leads out"}},
		"hidden zip slip":     {zipOf(t, entry{"a/../../evil", "", 0o644}), []string{`"a/../../evil"`, "leads out"}},
		"absolute":            {zipOf(t, entry{"/etc/passwd", "", 0o644}), []string{`"/etc/passwd"`, "absolute"}},
		"backslash":           {zipOf(t, entry{`a\..\b`, "", 0o644}), []string{"backslash"}},
		"no name":             {zipOf(t, entry{".", "x", 0o644}), []string{"no name"}},
		"link out":            {zipOf(t, link("l", "../x")), []string{`"l"`, "leads out"}},
		"absolute link":       {zipOf(t, link("l", "/etc/passwd")), []string{`"l"`, "leads out"}},
		"link up behind name": {zipOf(t, link("l", "a/../../x")), []string{`"l"`, "behind a name"}},
		"link to nothing":     {zipOf(t, link("l", "")), []string{"no usable target"}},
		"links in a chain":    {zipOf(t, link("a/b/up", "../.."), link("l", "a/b/up/../x")), []string{`"l"`}},
		"write through link":  {zipOf(t, link("l", "d"), entry{"l/x", "", 0o644}), []string{`"l/x"`, `"l"`}},
		"file as folder":      {zipOf(t, entry{"f/x", "", 0o644}, entry{"f", "", 0o644}), []string{`"f/x"`, "not a folder"}},
		"same name":           {zipOf(t, entry{"a", "1", 0o644}, entry{"a", "2", 0o644}), []string{`"a"`, "twice"}},
		"same name, spelled":  {zipOf(t, entry{"a", "1", 0o644}, entry{"b/../a", "2", 0o644}), []string{`"b/../a"`, "twice"}},
		"device":              {zipOf(t, entry{"null", "", fs.ModeDevice | fs.ModeCharDevice | 0o666}), []string{`"null"`, "no file"}},
		"every fault at once": {zipOf(t, entry{"/a", "", 0o644}, entry{"../b", "", 0o644}), []string{`"/a"`, `"../b"`}},
		"claims too much":     {claim(t, good, MaxUnzipped+1), []string{tooLarge}},
		"bomb that lies":      {claim(t, good, 10), []string{notReadable}},
		"encrypted":           {flag(t, good, 0x1), []string{"encrypted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, data := open1(t)
			_, err := c.Save(t.Context(), tc.zip)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			for _, text := range tc.says {
				require.ErrorContains(t, err, text)
			}
			requireNothingBut(t, data, 0)
			require.NoFileExists(t, filepath.Join(data, "evil"))
		})
	}
}

// TestBomb packs zeros, which deflate a thousandfold, up to the limit and one byte over it.
func TestBomb(t *testing.T) {
	t.Parallel()
	c, data := open1(t)
	c.limit = 1 << 20
	zeros := func(n int) []byte {
		return zipOf(t, entry{"a", strings.Repeat("\x00", 1<<19), 0o644}, entry{"b", strings.Repeat("\x00", n-1<<19), 0o644})
	}
	bomb := zeros(1<<20 + 1)
	require.Less(t, len(bomb), 4096)
	_, err := c.Save(t.Context(), bomb)
	require.ErrorContains(t, err, tooLarge)
	requireNothingBut(t, data, 0)
	_, err = c.Save(t.Context(), zeros(1<<20))
	require.NoError(t, err)
}

// flip damages one byte.
func flip(body []byte, at int) []byte {
	body = bytes.Clone(body)
	body[at] ^= 0xff
	return body
}

// claim changes the unpacked size that the zip's table states for its only entry.
func claim(t *testing.T, body []byte, size uint32) []byte {
	return patch(t, body, 24, binary.LittleEndian.AppendUint32(nil, size))
}

// flag changes the flags that the zip's table states for its only entry.
func flag(t *testing.T, body []byte, flags uint16) []byte {
	return patch(t, body, 8, binary.LittleEndian.AppendUint16(nil, flags))
}

func patch(t *testing.T, body []byte, at int, value []byte) []byte {
	t.Helper()
	body = bytes.Clone(body)
	header := bytes.Index(body, []byte("PK\x01\x02"))
	require.Positive(t, header)
	copy(body[header+at:], value)
	return body
}

func TestUnknownAndChangedPackages(t *testing.T) {
	t.Parallel()
	c, data := open1(t)
	for _, sha := range []string{"", "../../etc", base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		_, err := c.Dir(sha)
		require.ErrorIs(t, err, fs.ErrNotExist, sha)
		_, err = c.Zip(sha)
		require.ErrorIs(t, err, fs.ErrNotExist, sha)
	}
	body := zipOf(t, entry{"a", "1", 0o644})
	saved, err := c.Save(t.Context(), body)
	require.NoError(t, err)
	zips, err := filepath.Glob(filepath.Join(data, "code", "*.zip"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(zips[0], flip(body, 30), 0o600))
	_, err = c.Zip(saved.SHA256)
	require.ErrorContains(t, err, "changed on disk")
	_, err = c.Save(t.Context(), body)
	require.NoError(t, err)
	_, err = c.Zip(saved.SHA256)
	require.NoError(t, err, "uploading again repairs it")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	c, data := open1(t)
	kept, err := c.Save(t.Context(), zipOf(t, entry{"a", "kept", 0o644}))
	require.NoError(t, err)
	old, err := c.Save(t.Context(), zipOf(t, entry{"a", "old", 0o644}))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(data, "code", tempPrefix+"crashed"), 0o700))

	removed, err := c.Sweep(map[string]bool{kept.SHA256: true})
	require.NoError(t, err)
	require.Zero(t, removed, "both are young")
	requireNothingBut(t, data, 4)

	c.now = func() time.Time { return time.Now().Add(Grace + time.Minute) }
	removed, err = c.Sweep(map[string]bool{kept.SHA256: true, "not a digest": true})
	require.NoError(t, err)
	require.Equal(t, 1, removed)
	requireNothingBut(t, data, 2)
	_, err = c.Dir(kept.SHA256)
	require.NoError(t, err)
	_, err = c.Dir(old.SHA256)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestSaveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c, data := open1(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Save(ctx, zipOf(t, entry{"a", "1", 0o644}))
	require.ErrorIs(t, err, context.Canceled)
	requireNothingBut(t, data, 0)
}
