package sink

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are the `settings:` of a function. The readers below take settings that Check
// found well, so they can't fail.
type Settings map[string]string

func (s Settings) names() []string { return slices.Sorted(maps.Keys(s)) }

// Family gives the members of a family by the name behind its prefix: Family("header.")
// of header.Authorization is Authorization.
func (s Settings) Family(prefix string) map[string]string {
	members := map[string]string{}
	for name, value := range s {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			members[rest] = value
		}
	}
	return members
}

// Int reads a whole number.
func (s Settings) Int(name string) int {
	n, _ := strconv.Atoi(s[name]) // Check has read it
	return n
}

// Bool reads true or false.
func (s Settings) Bool(name string) bool { return s[name] == "true" }

// Duration reads a duration.
func (s Settings) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(s[name]) // Check has read it
	return d
}

// List reads a list whose members have commas between them.
func (s Settings) List(name string) []string {
	var list []string
	for one := range strings.SplitSeq(s[name], ",") {
		if one = strings.TrimSpace(one); one != "" {
			list = append(list, one)
		}
	}
	return list
}

// Flags are the values of a setting that is read by Bool.
func Flags() []string { return []string{"true", "false"} }

// Number checks a whole number.
func Number(least, most int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is no whole number", value)
		}
		if n < least || n > most {
			return fmt.Errorf("%d is not within %d..%d", n, least, most)
		}
		return nil
	}
}

// Span checks a duration.
func Span(least, most time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is no duration; want one such as 500ms, 30s or 5m", value)
		}
		if d < least || d > most {
			return fmt.Errorf("%s is not within %s..%s", d, least, most)
		}
		return nil
	}
}

// HTTPURL checks the URL of a server. It does not repeat what it was given, which may
// hold a password.
func HTTPURL(value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("want a URL such as https://host:port/path")
	case u.User != nil:
		return errors.New("a login does not belong in the URL; give a header that is a secret")
	}
	return nil
}
