package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
)

// sections are the lines of krb5.conf by section, in order, with what it includes.
type sections map[string][]string

// maxIncludes bounds a configuration that includes itself.
const maxIncludes = 64

// included are the names MIT Kerberos takes from a folder: letters, digits, - and _, or
// anything that ends in .conf.
var included = regexp.MustCompile(`^([A-Za-z0-9_-]+|[^.].*\.conf)$`)

// readKerberosConfig reads krb5.conf and what it includes, each section once: the library
// knows neither include nor a section that comes again, and both are usual, as in Red
// Hat's /etc/krb5.conf.d.
func readKerberosConfig(path string) ([]byte, error) {
	all, files := sections{}, 0
	if err := all.read(path, &files); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "[%s]\n%s\n", name, strings.Join(all[name], "\n"))
	}
	return text.Bytes(), nil
}

func (s sections) read(path string, files *int) error {
	if *files++; *files > maxIncludes {
		return fmt.Errorf("%s: more than %d files include each other", path, maxIncludes)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	section := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case word == "include":
			err = s.read(rest, files)
		case word == "includedir":
			err = s.readFolder(rest, files)
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			section = strings.TrimSpace(name)
		case section != "":
			s[section] = append(s[section], line)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (s sections) readFolder(dir string, files *int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !included.MatchString(e.Name()) {
			continue
		}
		if err := s.read(filepath.Join(dir, e.Name()), files); err != nil {
			return err
		}
	}
	return nil
}

// parseKerberosConfig lets pass what the library reports as unknown to it, as it does
// itself: profiles of other programs are in the same file.
func parseKerberosConfig(text []byte) (*config.Config, error) {
	conf, err := config.NewFromString(string(text))
	var unknown config.UnsupportedDirective
	if err != nil && !errors.As(err, &unknown) {
		return nil, err
	}
	return conf, nil
}
