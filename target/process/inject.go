package process

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Secrets resolves references to secrets, each to one value (secret.Resolver). ForgetOne
// makes the next One look at the secret's place again; CheckOne says whether a reference
// has a place at all.
type Secrets interface {
	One(ctx context.Context, ref string) (string, error)
	CheckOne(ref string) error
	ForgetOne(ref string)
}

// Credentials are those of a function's role in AWS.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time // zero = they do not
}

// injectTimeout bounds how long a process waits for its secrets and credentials before it
// is started.
const injectTimeout = 30 * time.Second

// injected is what a process gets when it is started and its declaration does not hold:
// the secrets' values and the credentials of its role.
type injected struct {
	variables map[string]string
	secrets   [sha256.Size]byte // digest of the secrets' values: tells a rotation
	renewAt   time.Time         // when the process is to be replaced; zero = never
	hide      *mask
}

// inject resolves what a process that is started now gets.
func (p *Pool) inject(ctx context.Context) (injected, error) {
	got := injected{variables: map[string]string{}}
	var errs []error
	var values []string
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.fn.Secrets)) {
		value, err := p.secret(ctx, p.fn.Secrets[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("secret for %s: %w", name, err))
			continue
		}
		got.variables[name] = value
		values = append(values, value)
		fmt.Fprintf(sum, "%s=%d:%s\n", name, len(value), value)
	}
	sum.Sum(got.secrets[:0])
	if p.cfg.Credentials != nil {
		c, err := p.cfg.Credentials(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("credentials of its role: %w", err))
		}
		maps.Copy(got.variables, c.variables())
		values = append(values, c.SecretAccessKey, c.SessionToken)
		got.renewAt = renewal(c.Expires, time.Now(), p.fn.Timeout)
	}
	got.hide = newMask(values)
	return got, errors.Join(errs...)
}

func (p *Pool) secret(ctx context.Context, ref string) (string, error) {
	value, err := p.cfg.Secrets.One(ctx, ref)
	if err == nil && strings.ContainsRune(value, 0) {
		return "", errors.New("its value holds a zero byte, which no environment variable can")
	}
	return value, err
}

// checkSecrets names the references that have no place.
func checkSecrets(refs map[string]string, places Secrets) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		if places == nil {
			return errors.New("it has secrets, and they can't be resolved here")
		}
		if err := places.CheckOne(refs[name]); err != nil {
			errs = append(errs, fmt.Errorf("secret for %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (c Credentials) variables() map[string]string {
	v := map[string]string{}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.SessionToken,
	} {
		if value != "" {
			v[name] = value
		}
	}
	return v
}

// expiryMargin is kept, beyond the function's timeout, between the last invocation with
// some credentials and their end.
const expiryMargin = time.Minute

// renewal says when a process with such credentials is to be replaced: early enough that
// an invocation begun just before ends before they do. Credentials too short for that are
// used for half of their time.
func renewal(expires, now time.Time, timeout time.Duration) time.Time {
	if expires.IsZero() {
		return expires
	}
	left := expires.Sub(now)
	return now.Add(max(left-timeout-expiryMargin, left/2))
}

// shortest is the least length of a value that is masked: shorter ones stand in too many
// other words.
const shortest = 4

// mask hides injected values in what a function writes.
type mask struct{ words [][]byte }

func newMask(values []string) *mask {
	m := &mask{}
	for _, v := range values {
		if len(v) < shortest {
			continue
		}
		m.words = append(m.words, []byte(v))
		if quoted, err := json.Marshal(v); err == nil && string(quoted[1:len(quoted)-1]) != v {
			m.words = append(m.words, quoted[1:len(quoted)-1])
		}
	}
	// The longest first: one value may be part of another.
	slices.SortFunc(m.words, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

// and hides one more word.
func (m *mask) and(word string) *mask {
	if word == "" {
		return m
	}
	more := &mask{words: [][]byte{[]byte(word)}}
	if m != nil {
		more.words = append(more.words, m.words...)
	}
	return more
}

// over returns text without the values. It is text itself where none is in it.
func (m *mask) over(text []byte) []byte {
	if m == nil {
		return text
	}
	for _, w := range m.words {
		if bytes.Contains(text, w) {
			text = bytes.ReplaceAll(text, w, []byte("[secret]"))
		}
	}
	return text
}
