package code

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// MaxUnzipped is the most a package may hold unpacked (AWS Lambda's quota of 250 MB).
const MaxUnzipped = 262_144_000

// maxEntries keeps a small zip of empty files from eating the disk's inodes.
const maxEntries = 200_000

// The texts AWS answers with, in an InvalidParameterValueException.
const (
	notReadable = "Could not unzip uploaded file. Please check your file, then try to upload again."
	empty       = "Uploaded file must be a non-empty zip"
	tooLarge    = "Unzipped size must be smaller than 262144000 bytes"
)

// maxFaults is how many entries a refusal names.
const maxFaults = 10

// RefusedError is a package that cannot be used. Its text is for the one who uploaded.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

// Check says why a package can't be used, without keeping anything of it.
func (c *Code) Check(body []byte) error {
	_, err := check(body, c.limit)
	return err
}

// check reads the table of a zip and refuses what must not be unpacked, naming every
// entry at fault.
func check(body []byte, limit int64) (*zip.Reader, error) {
	if len(body) == 0 {
		return nil, &RefusedError{Message: empty}
	}
	archive, err := open(body)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, &RefusedError{Message: notReadable}
	}
	if len(archive.File) == 0 {
		return nil, &RefusedError{Message: empty}
	}
	if len(archive.File) > maxEntries {
		return nil, &RefusedError{Message: fmt.Sprintf("The zip has %d entries, more than %d", len(archive.File), maxEntries)}
	}
	t := table{kinds: map[string]kind{}, limit: uint64(limit)}
	for _, f := range archive.File {
		t.add(f)
	}
	for _, f := range archive.File {
		t.checkParents(f)
	}
	if t.size > t.limit {
		t.faults = append([]string{tooLarge}, t.faults...)
	}
	return archive, t.refusal()
}

type kind uint8

const (
	file kind = iota + 1
	folder
	link
)

// table is what the entries of a zip claim together.
type table struct {
	kinds  map[string]kind
	size   uint64
	limit  uint64
	faults []string
}

func (t *table) add(f *zip.File) {
	name, fault := cleanName(f.Name)
	if fault == "" {
		fault = contentFault(f)
	}
	if fault != "" {
		t.fault(f, fault)
		return
	}
	k := kindOf(f)
	if was := t.kinds[name]; was != 0 && (was != folder || k != folder) {
		t.fault(f, "the name occurs twice")
	}
	t.kinds[name] = k
	// Only so far that a sum of absurd claims can't wrap around.
	t.size = min(t.size, t.limit+1) + min(f.UncompressedSize64, t.limit+1)
}

// checkParents refuses an entry below a file or a link. Without links above an entry,
// its folder is the one its name says, which extract relies on for links.
func (t *table) checkParents(f *zip.File) {
	name, fault := cleanName(f.Name)
	if fault != "" {
		return
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if k := t.kinds[dir]; k == file || k == link {
			t.fault(f, fmt.Sprintf("it lies below %q, which is not a folder", dir))
			return
		}
	}
}

func (t *table) fault(f *zip.File, why string) {
	t.faults = append(t.faults, fmt.Sprintf("%q: %s", f.Name, why))
}

func (t *table) refusal() error {
	if len(t.faults) == 0 {
		return nil
	}
	shown := t.faults
	if len(shown) > maxFaults {
		shown = append(shown[:maxFaults:maxFaults], fmt.Sprintf("and %d more", len(t.faults)-maxFaults))
	}
	if len(shown) == 1 && shown[0] == tooLarge {
		return &RefusedError{Message: tooLarge}
	}
	return &RefusedError{Message: "The zip can't be unpacked safely: " + strings.Join(shown, "; ")}
}

// cleanName gives the place of an entry below the package's folder, or why it has none.
func cleanName(name string) (clean, fault string) {
	switch {
	case strings.ContainsAny(name, "\\\x00"):
		return "", `the name holds a backslash or a zero byte; zip tools write "/"`
	case strings.HasPrefix(name, "/"):
		return "", "the path is absolute"
	}
	clean = path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(clean)) {
		return "", "the path leads out of the package"
	}
	return clean, ""
}

func contentFault(f *zip.File) string {
	const encrypted = 0x1
	switch {
	case path.Clean(f.Name) == "." && !f.Mode().IsDir():
		return "it has no name"
	case f.Flags&encrypted != 0:
		return "it is encrypted"
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return fmt.Sprintf("compression method %d is not supported; use deflate", f.Method)
	case f.Mode().Type()&^(fs.ModeDir|fs.ModeSymlink) != 0:
		return "it is no file, folder or link"
	}
	return ""
}

func kindOf(f *zip.File) kind {
	switch {
	case f.Mode().IsDir():
		return folder
	case f.Mode()&fs.ModeSymlink != 0:
		return link
	}
	return file
}
