// Package secret turns references to secrets into their content. A reference is what a
// configuration or an API request holds in place of a password or a key: env:NAME,
// file:PATH, or something a rule of the `secrets:` list knows where to find (AWS Secrets
// Manager, a directory of files).
//
// The flow: a reference finds its place by prefix, the content is fetched once, kept
// until it expires or is forgotten after a failed authentication, and handed out as a
// Value. Invariants: content appears in no log, error or encoding, and neither does a
// reference of unknown form, which may well be a password written in the wrong place.
package secret

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	envPrefix  = "env:"
	filePrefix = "file:"
)

// Options are what a Resolver is made from.
type Options struct {
	Rules  Config
	Base   string        // where relative paths in references and rules begin; "" = the working directory
	Expiry time.Duration // 0 = DefaultExpiry

	// LookupEnv reads the environment; os.LookupEnv in production.
	LookupEnv func(name string) (string, bool)
	// AWS gives the configuration for calls to AWS: credentials, region, endpoint. It is
	// called when the first secret of AWS is asked for; nil = AWS is out of reach.
	AWS func(ctx context.Context) (aws.Config, error)
}

// Resolver resolves references and keeps what it found. Safe for use by many goroutines.
type Resolver struct {
	options Options
	cache   cache
	manager manager
}

// New makes a Resolver from rules that passed Validate.
func New(o Options) *Resolver {
	if o.Expiry == 0 {
		o.Expiry = DefaultExpiry
	}
	return &Resolver{options: o, cache: cache{expiry: o.Expiry}, manager: manager{load: o.AWS}}
}

// Get gives the content of a secret, from memory as long as it has not expired.
func (r *Resolver) Get(ctx context.Context, ref string) (Value, error) {
	fetch, err := r.place(ref)
	if err != nil {
		return Value{}, err
	}
	return r.cache.get(ctx, ref, fetch)
}

// Forget drops a secret from memory: whoever could not authenticate with it calls this,
// so that the next Get sees a rotated one.
func (r *Resolver) Forget(ref string) { r.cache.forget(ref) }

// Fields is Get for a secret that holds named values.
func (r *Resolver) Fields(ctx context.Context, ref string) (map[string]string, error) {
	v, err := r.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	fields, err := v.Fields()
	if err != nil {
		return nil, &Error{Ref: ref, Err: err, Try: `write it as {"name":"value"} or as lines name=value`}
	}
	return fields, nil
}

// Plain is Get for a secret that is one value.
func (r *Resolver) Plain(ctx context.Context, ref string) (string, error) {
	v, err := r.Get(ctx, ref)
	return v.Plain(), err
}

// Check says whether a reference has a place to be resolved from, without asking there.
func (r *Resolver) Check(ref string) error {
	_, err := r.place(ref)
	return err
}

// fetcher reads a secret from its place.
type fetcher func(ctx context.Context) (Value, error)

func (r *Resolver) place(ref string) (fetcher, error) {
	if name, ok := strings.CutPrefix(ref, envPrefix); ok {
		return func(context.Context) (Value, error) { return r.fromEnv(ref, name) }, nil
	}
	if path, ok := strings.CutPrefix(ref, filePrefix); ok {
		return func(context.Context) (Value, error) { return fromFile(ref, r.absolute(path)) }, nil
	}
	for _, rule := range r.options.Rules {
		rest, ok := strings.CutPrefix(ref, rule.Prefix)
		if !ok {
			continue
		}
		if rule.From.AWS {
			return func(ctx context.Context) (Value, error) { return r.manager.get(ctx, ref, rest) }, nil
		}
		dir := r.absolute(rule.From.Dir)
		return func(context.Context) (Value, error) { return fromDir(ref, dir, rest) }, nil
	}
	return nil, r.unplaced(ref)
}

// unplaced explains a reference no rule knows. Only its scheme is shown: what follows,
// or all of it, may be a password somebody put where a reference belongs.
func (r *Resolver) unplaced(ref string) error {
	known := []string{envPrefix + "NAME", filePrefix + "PATH"}
	for _, rule := range r.options.Rules {
		known = append(known, rule.Prefix+"…")
	}
	try := "use one of " + strings.Join(known, ", ")
	switch scheme, _, ok := strings.Cut(ref, ":"); {
	case strings.HasPrefix(ref, arnPrefix):
		return &Error{Ref: ref, Err: errNoRule, Try: `add { prefix: "` + arnPrefix + `", from: aws } to secrets:`}
	case ok && notYet(scheme):
		return &Error{Ref: scheme + ":…", Err: fmt.Errorf("%s is not supported yet", scheme), Try: try}
	case ok && scheme == "secret":
		return &Error{Ref: ref, Err: errNoRule, Try: `add { prefix: "secret:", from: { dir: PATH } } to secrets:`}
	default:
		return &Error{Ref: "(not shown)", Err: errNoRule, Try: try + "; a secret itself never belongs here"}
	}
}

var errNoRule = errors.New("no rule in secrets: has a prefix for it")

// notYet tells schemes of places gantry does not read; they may be shown in an error.
func notYet(scheme string) bool {
	return slices.Contains([]string{"vault", "kubernetes", "k8s", "ssm", "arn"}, scheme)
}

func (r *Resolver) absolute(path string) string { return under(r.options.Base, path) }

func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// Anchor makes a relative file: reference start at dir, the folder of the file that
// names it. Other references come back as they are.
func Anchor(ref, dir string) string {
	path, ok := strings.CutPrefix(ref, filePrefix)
	if !ok || path == "" {
		return ref
	}
	return filePrefix + under(dir, path)
}

// Error says which secret could not be had and what to try. It never holds content.
type Error struct {
	Ref string
	Err error
	Try string
}

func (e *Error) Error() string {
	return fmt.Sprintf("read the secret %s: %v; %s", e.Ref, e.Err, e.Try)
}

func (e *Error) Unwrap() error { return e.Err }
