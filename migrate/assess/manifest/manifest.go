// Package manifest reads docker-compose files and Kubernetes manifests for what they say of
// consumers: image, environment, consumer groups, limits, replicas. Values that look like
// secrets are masked when they are read and are kept nowhere. What it can't read it notes.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"gantry/workload"
)

// Found is what files say.
type Found struct {
	Deployments []workload.Deployment
	Notes       []string // what could not be read
}

// Of gives the deployments that name a group.
func (f Found) Of(group string) []workload.Deployment {
	var found []workload.Deployment
	for _, d := range f.Deployments {
		if slices.Contains(d.Groups, group) {
			found = append(found, d)
		}
	}
	return found
}

// largest is a limit against files that are no manifests.
const largest = 8 << 20

// Read reads files, and the YAML files of folders. A file that can't be read, or holds no
// YAML, is an error when it was named and a note when it was found in a folder.
func Read(paths []string) (Found, error) {
	r := &reading{configs: map[string]map[string]string{}}
	var faults []error
	for _, path := range paths {
		if err := r.path(path); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return Found{}, fmt.Errorf("read manifests: %w", err)
	}
	for _, w := range r.workloads {
		r.found.Deployments = append(r.found.Deployments, w.deployments(r.configs)...)
	}
	return r.found, nil
}

// reading is a set of files on its way: ConfigMaps may stand in another file than who uses them.
type reading struct {
	found     Found
	configs   map[string]map[string]string // by namespace/name
	workloads []kubernetes
}

func (r *reading) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return r.file(path)
	}
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch ext := filepath.Ext(name); {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != path:
			return fs.SkipDir
		case d.IsDir() || ext != ".yaml" && ext != ".yml":
			return nil
		}
		if err := r.file(name); err != nil {
			r.note("%s", err)
		}
		return nil
	})
}

func (r *reading) note(format string, words ...any) {
	r.found.Notes = append(r.found.Notes, fmt.Sprintf(format, words...))
}

func (r *reading) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return err
	}
	if len(text) > largest {
		return fmt.Errorf("%s: over 8 MB, no manifest", path)
	}
	if bytes.Contains(text, []byte("{{")) {
		return fmt.Errorf("%s: is a template; give what helm template or kustomize build makes of it", path)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.AllowDuplicateMapKey())
	for {
		var doc map[string]any
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: no YAML object: %s", path, firstLine(err))
		}
		r.document(doc, filepath.Base(path))
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (r *reading) document(doc map[string]any, file string) {
	switch {
	case text(doc, "kind") == "List":
		for _, item := range items(doc, "items") {
			r.document(item, file)
		}
	case text(doc, "kind") == "ConfigMap":
		r.configs[fullName(doc)] = stringMap(doc["data"])
	case text(doc, "kind") != "":
		r.workloads = append(r.workloads, kubernetes{doc: doc, file: file})
	case doc["services"] != nil:
		r.found.Deployments = append(r.found.Deployments, compose(doc, file)...)
	}
}

// Walking through YAML that nobody has checked: what is not there, or is something else,
// is empty.

func object(v any, path ...string) map[string]any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	m, _ := v.(map[string]any)
	return m
}

func text(v any, path ...string) string {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return scalar(v)
}

func scalar(v any) string {
	switch v.(type) {
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v)
	}
	return ""
}

func items(v any, path ...string) []map[string]any {
	var found []map[string]any
	for _, item := range list(v, path...) {
		if m, ok := item.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

func list(v any, path ...string) []any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	l, _ := v.([]any)
	return l
}

func stringMap(v any) map[string]string {
	out := map[string]string{}
	for k, v := range object(v) {
		out[k] = scalar(v)
	}
	return out
}
