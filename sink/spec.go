package sink

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Spec is one entry of the catalogue: what an integration says of itself, and how it is
// made.
type Spec struct {
	Name     string // as `integration:` names it: s3
	Title    string // Amazon S3
	About    string // one sentence
	Settings []Setting
	// Policy gives the least permissions it needs in AWS; nil = none.
	Policy  func(s Settings) []Statement
	Limits  string // what bounds a request of the service
	Repeats string // what a record that comes again does
	Example string // a configuration file with a function and a mapping of it
	// Valid finds what is wrong between settings that are each well; may be nil.
	Valid func(s Settings) []error
	// OneLane says why its mappings must keep one lane a partition, "" where they need
	// not; may be nil.
	OneLane func(s Settings) string
	// New makes the Sink from settings that passed Check. It connects to nothing.
	New func(s Settings, d Deps) (Sink, error)
}

// Setting is one setting of an integration. A Name that ends in ".*" stands for a family:
// header.* is header.NAME for every NAME.
type Setting struct {
	Name     string
	About    string
	Default  string
	Example  string
	Required bool
	Secret   bool                     // its value is a reference to a secret, never the secret
	Values   []string                 // those it may have; nil = any
	Check    func(value string) error // what else a value must be; may be nil
}

// Statement is one statement of an IAM policy.
type Statement struct {
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource"`
}

// Allow is a statement that allows actions on resources.
func Allow(resource string, actions ...string) Statement {
	return Statement{Effect: "Allow", Action: actions, Resource: []string{resource}}
}

// Unbounded is what to say of a policy with a statement for every resource, "" of others.
func Unbounded(policy []Statement) string {
	for _, s := range policy {
		if slices.Contains(s.Resource, "*") {
			return "The settings do not say what the call works on: put your ARNs in the place of *."
		}
	}
	return ""
}

// Prepare is Check, and gives the settings with the defaults of those left out.
func (sp Spec) Prepare(s Settings) (Settings, error) {
	if err := sp.Check(s); err != nil {
		return nil, err
	}
	return sp.filled(s), nil
}

func (sp Spec) filled(s Settings) Settings {
	full := Settings{}
	for _, one := range sp.Settings {
		if one.Default != "" && !one.family() {
			full[one.Name] = one.Default
		}
	}
	for name, value := range s {
		full[name] = value
	}
	return full
}

// Check names everything that is wrong with settings at once.
func (sp Spec) Check(s Settings) error {
	var errs []error
	for _, name := range s.names() {
		one, known := sp.setting(name)
		if !known {
			errs = append(errs, fmt.Errorf("%s: is no setting of %s; it has %s", name, sp.Name, strings.Join(sp.settingNames(), ", ")))
			continue
		}
		if err := one.check(s[name]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	for _, one := range sp.Settings {
		if one.Required && s[one.Name] == "" {
			errs = append(errs, fmt.Errorf("%s: is missing: %s", one.Name, one.About))
		}
	}
	if len(errs) == 0 && sp.Valid != nil {
		errs = sp.Valid(sp.filled(s))
	}
	return errors.Join(errs...)
}

// Secrets names the settings of s that are references to secrets.
func (sp Spec) Secrets(s Settings) []string {
	return slices.DeleteFunc(s.names(), func(name string) bool {
		one, _ := sp.setting(name)
		return !one.Secret || !IsReference(s[name])
	})
}

func (sp Spec) setting(name string) (Setting, bool) {
	for _, one := range sp.Settings {
		if one.Name == name || one.family() && strings.HasPrefix(name, one.prefix()) && len(name) > len(one.prefix()) {
			return one, true
		}
	}
	return Setting{}, false
}

func (sp Spec) settingNames() []string {
	var names []string
	for _, one := range sp.Settings {
		names = append(names, one.Name)
	}
	return names
}

func (s Setting) family() bool   { return strings.HasSuffix(s.Name, ".*") }
func (s Setting) prefix() string { return strings.TrimSuffix(s.Name, "*") }

func (s Setting) check(value string) error {
	switch {
	case s.Required && value == "":
		return nil // is told as missing
	case s.Secret && !IsReference(value):
		return errors.New("want a reference such as secret:NAME, env:NAME, file:PATH or the ARN of a secret; a secret itself never belongs here")
	case len(s.Values) > 0 && !slices.Contains(s.Values, value):
		return fmt.Errorf("%q is not known; want one of %s", value, strings.Join(s.Values, ", "))
	case s.Check != nil:
		return s.Check(value)
	}
	return nil
}

// IsReference tells a reference to a secret from anything else by its form.
func IsReference(value string) bool {
	scheme, rest, ok := strings.Cut(value, ":")
	return ok && rest != "" && scheme != "" && !strings.HasPrefix(rest, "//") &&
		strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Statements gives the policy for settings; those left out that have to be there are
// shown as NAME.
func (sp Spec) Statements(s Settings) []Statement {
	if sp.Policy == nil {
		return nil
	}
	full := sp.filled(s)
	for _, one := range sp.Settings {
		if one.Required && full[one.Name] == "" {
			full[one.Name] = strings.ToUpper(one.Name)
		}
	}
	return sp.Policy(full)
}
