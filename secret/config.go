package secret

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// DefaultExpiry is how long a secret is kept before it is asked for again.
const DefaultExpiry = 5 * time.Minute

// Config is the `secrets:` list of the configuration file: references are resolved by
// the first rule whose prefix they start with. env: and file: need no rule.
type Config []Rule

// Rule says where references with one prefix are kept.
type Rule struct {
	Prefix string `yaml:"prefix"`
	From   From   `yaml:"from"`
}

// From is a place secrets are kept in: `aws`, or `{dir: path}`.
type From struct {
	AWS bool
	Dir string

	other string // what was written instead, for Validate to name
}

// UnmarshalYAML reads `aws` or `{dir: path}`. What it does not know is left to Validate,
// so that it is reported along with all other faults.
func (f *From) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil {
		*f = From{AWS: word == "aws"}
		if !f.AWS {
			f.other = word
		}
		return nil
	}
	var keys map[string]string
	if err := unmarshal(&keys); err != nil {
		return errors.New(`from: want aws or {dir: PATH}`)
	}
	*f = From{Dir: keys["dir"]}
	for key := range keys {
		if key != "dir" {
			f.other = key
		}
	}
	return nil
}

// prefixPattern keeps a prefix recognisable: it must end where its scheme or path ends.
var prefixPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+._/:-]*[:/]$`)

// Validate names every fault of the list at once.
func (c Config) Validate() error {
	var errs []error
	fault := func(i int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("secrets[%d]: %s", i, fmt.Sprintf(format, args...)))
	}
	for i, rule := range c {
		switch {
		case rule.Prefix == "":
			fault(i, "prefix is missing")
		case strings.HasPrefix(rule.Prefix, envPrefix), strings.HasPrefix(rule.Prefix, filePrefix):
			fault(i, "prefix %q always resolves by itself; choose another", rule.Prefix)
		case !prefixPattern.MatchString(rule.Prefix):
			fault(i, "prefix %q must begin with a letter and end with : or /", rule.Prefix)
		}
		for j := range i {
			if earlier := c[j].Prefix; earlier != "" && strings.HasPrefix(rule.Prefix, earlier) {
				fault(i, "prefix %q is never reached: secrets[%d] takes everything that starts with %q", rule.Prefix, j, earlier)
			}
		}
		if problem := rule.From.problem(); problem != "" {
			fault(i, "%s", problem)
		}
	}
	return errors.Join(errs...)
}

func (f From) problem() string {
	switch {
	case f.other == "vault" || f.other == "kubernetes":
		return fmt.Sprintf("from: %s is not supported yet; use aws or {dir: PATH}", f.other)
	case f.other != "":
		return fmt.Sprintf("from: %q is not known; use aws or {dir: PATH}", f.other)
	case f.AWS && f.Dir != "":
		return "from: choose either aws or {dir: PATH}"
	case !f.AWS && f.Dir == "":
		return "from is missing; use aws or {dir: PATH}"
	}
	return ""
}
