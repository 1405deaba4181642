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

// Rule says where references with one prefix are kept, and for how long what was found
// there is used before it is asked for again (0 = Options.Expiry).
type Rule struct {
	Prefix string
	From   From
	Expiry time.Duration
}

// From is a place secrets are kept in: one of AWS Secrets Manager, a folder of files, a
// folder of mounted Kubernetes secrets, and Vault.
type From struct {
	AWS        bool
	Dir        string
	Kubernetes string
	Vault      *Vault
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
		for _, problem := range rule.From.problems() {
			fault(i, "%s", problem)
		}
	}
	return errors.Join(errs...)
}

const places = "aws, {dir: PATH}, {kubernetes: PATH} or {vault: {address: URL, …}}"

func (f From) problems() []string {
	count := 0
	for _, given := range []bool{f.AWS, f.Dir != "", f.Kubernetes != "", f.Vault != nil} {
		if given {
			count++
		}
	}
	switch {
	case count == 0:
		return []string{"from is missing; use " + places}
	case count > 1:
		return []string{"from: choose one of " + places}
	case f.Vault != nil:
		return f.Vault.problems()
	}
	return nil
}
