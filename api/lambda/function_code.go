package lambda

import (
	"archive/zip"
	"bytes"
	"path"
	"strings"
)

// AWS's limits of a deployment package that comes with the request.
const (
	maxZip      = 52_428_800
	maxUnzipped = 262_144_000
)

// zipFaults checks a deployment package before anything is stored: that it is a zip,
// that it has something in it, that it stays within AWS's sizes, and that no entry would
// land outside the folder it is unpacked to.
func zipFaults(body []byte, f *faults) {
	if len(body) > maxZip {
		f.refuse("ZipFile: %d bytes are more than the %d of a direct upload", len(body), maxZip)
		return
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		f.refuse("Could not unzip uploaded file. Please check your file, then try to upload again.")
		return
	}
	size, files := uint64(0), 0
	for _, entry := range archive.File {
		size += entry.UncompressedSize64
		if !entry.FileInfo().IsDir() {
			files++
		}
		if escapes(entry.Name) {
			f.refuse("ZipFile: the entry %q leads out of the package's folder", shorten(entry.Name))
		}
	}
	if files == 0 {
		f.refuse("Uploaded file must be a non-empty zip")
	}
	if size > maxUnzipped {
		f.refuse("Unzipped size must be smaller than %d bytes", maxUnzipped)
	}
}

func escapes(name string) bool {
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	return path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../")
}
