// Package secret turns references to secrets into their content. A reference is what a
// configuration or an API request holds in place of a password or a key: env:NAME,
// file:PATH, or something a rule of the `secrets:` list knows where to find (AWS Secrets
// Manager, a directory of files, mounted Kubernetes secrets, Vault).
//
// The flow: a reference finds its place by prefix, the content is fetched once, kept
// until it expires or is forgotten after a failed authentication, and handed out as a
// Value. Invariants: content appears in no log, error or encoding, and neither does a
// reference of unknown form, which may well be a password written in the wrong place.
package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	// Dial gives the way that entries of `networks:` make up, for a Vault that names some.
	Dial func(names ...string) (func(ctx context.Context, network, address string) (net.Conn, error), error)
}

// dialer opens a connection to host:port.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Resolver resolves references and keeps what it found. Safe for use by many goroutines.
type Resolver struct {
	options Options
	cache   cache
	manager manager
	vaults  []*vault // by the place of their rule; nil where it names no Vault
}

// New makes a Resolver from rules that passed Validate.
func New(o Options) *Resolver {
	if o.Expiry == 0 {
		o.Expiry = DefaultExpiry
	}
	r := &Resolver{options: o, manager: manager{load: o.AWS}}
	for _, rule := range o.Rules {
		r.vaults = append(r.vaults, r.vault(rule.From.Vault))
	}
	return r
}

// vault makes the client of a Vault. Its roots are read, and its way is found, when it is
// first asked.
func (r *Resolver) vault(cfg *Vault) *vault {
	if cfg == nil {
		return nil
	}
	v := &vault{cfg: *cfg}
	v.local = func(ctx context.Context, ref string) (string, error) {
		p, err := r.place(ref)
		if err != nil {
			return "", err
		}
		value, err := p.fetch(ctx) // never kept: a login is only made when the one before is of no use
		return value.Plain(), err
	}
	var once struct {
		sync.Mutex
		client *http.Client
	}
	v.http = func(ctx context.Context) (*http.Client, error) {
		once.Lock()
		defer once.Unlock()
		if once.client != nil {
			return once.client, nil
		}
		client, err := r.vaultClient(ctx, v)
		once.client = client
		return client, err
	}
	return v
}

func (r *Resolver) vaultClient(ctx context.Context, v *vault) (*http.Client, error) {
	var ca string
	var dial dialer
	var err error
	if v.cfg.CA != "" {
		if ca, err = v.local(ctx, v.cfg.CA); err != nil {
			return nil, err
		}
	}
	if len(v.cfg.Network) > 0 {
		if r.options.Dial == nil {
			return nil, errors.New("there is no networks: in the configuration")
		}
		if dial, err = r.options.Dial(v.cfg.Network...); err != nil {
			return nil, err
		}
	}
	return clientOf(v.cfg, ca, dial)
}

// Get gives the content of a secret, from memory as long as it has not expired.
func (r *Resolver) Get(ctx context.Context, ref string) (Value, error) {
	p, err := r.place(ref)
	if err != nil {
		return Value{}, err
	}
	return r.cache.get(ctx, ref, p)
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

// place is where a secret is read from, and how long it is kept.
type place struct {
	fetch  func(ctx context.Context) (Value, error)
	expiry time.Duration
}

func (r *Resolver) place(ref string) (place, error) {
	p := place{expiry: r.options.Expiry}
	if name, ok := strings.CutPrefix(ref, envPrefix); ok {
		p.fetch = func(context.Context) (Value, error) { return r.fromEnv(ref, name) }
		return p, nil
	}
	if path, ok := strings.CutPrefix(ref, filePrefix); ok {
		p.fetch = func(context.Context) (Value, error) { return fromFile(ref, r.absolute(path)) }
		return p, nil
	}
	for i, rule := range r.options.Rules {
		rest, ok := strings.CutPrefix(ref, rule.Prefix)
		if !ok {
			continue
		}
		p.expiry = cmp.Or(rule.Expiry, p.expiry)
		switch {
		case rule.From.AWS:
			p.fetch = func(ctx context.Context) (Value, error) { return r.manager.get(ctx, ref, rest) }
		case rule.From.Vault != nil:
			p.fetch = func(ctx context.Context) (Value, error) { return r.vaults[i].get(ctx, ref, rest) }
		case rule.From.Kubernetes != "":
			p.fetch = func(context.Context) (Value, error) {
				return fromKubernetes(ref, r.absolute(rule.From.Kubernetes), rest)
			}
		default:
			p.fetch = func(context.Context) (Value, error) { return fromDir(ref, r.absolute(rule.From.Dir), rest) }
		}
		return p, nil
	}
	return p, r.unplaced(ref)
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
	case ok && scheme == "vault":
		return &Error{Ref: "vault:…", Err: errNoRule, Try: `add { prefix: "vault:", from: { vault: { address: URL, … } } } to secrets:`}
	case ok && scheme == "secret":
		return &Error{Ref: ref, Err: errNoRule, Try: `add { prefix: "secret:", from: { dir: PATH } } to secrets:`}
	default:
		return &Error{Ref: "(not shown)", Err: errNoRule, Try: try + "; a secret itself never belongs here"}
	}
}

var errNoRule = errors.New("no rule in secrets: has a prefix for it")

// notYet tells schemes of places gantry does not read; they may be shown in an error.
func notYet(scheme string) bool {
	return slices.Contains([]string{"ssm", "arn"}, scheme)
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
