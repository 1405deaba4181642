// Package lambda answers AWS Lambda's HTTP API (2015-03-31 and the later paths) as far
// as gantry has what stands behind it, so that the aws CLI, boto3, the AWS SDKs and
// SAM work against gantry with nothing changed but the endpoint.
//
// The flow of a request: routes.go finds the operation, handle.go decodes the body and
// the path into a typed input, refuse.go refuses the members that compat_*.go lists as
// not yet there, the input checks itself (all its faults at once), the operation in the
// file of its name acts, handle.go encodes the answer, and errors.go alone knows which
// exception a failure is on the wire.
//
// Invariants:
//   - a refused request has changed nothing;
//   - every change is one versioned write to the store and one audit line;
//   - no environment value appears in an audit line, an error or the log;
//   - the state of a mapping is the stored wish beside what the engine reports
//     (mapping_state.go); this package never starts or stops anything itself.
//
// Who calls is decided before a request comes here, and what a caller may do by
// Config.Allow, before anything of the request is read.
package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"gantry/engine/async"
	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

// Engine runs what the store holds. Safe for use by many goroutines.
type Engine interface {
	// Status gives what this process observes of a mapping. An empty State means that
	// the engine has not taken it up yet. A mapping that runs with a problem is Enabled:
	// one that is Creating, Enabling or Updating can't be changed by its owner.
	Status(uuid string) mapping.Status
	// Invoke runs a function once. What happened is the Outcome's class; an error means
	// that ctx ended, that there is no such function (store.ErrNotFound), or that it can't
	// be made ready, and then says why to the caller.
	Invoke(ctx context.Context, name string, in function.Invocation) (function.Outcome, error)
	// Accept keeps an event that its caller does not wait for: when it returns without an
	// error the event is on the disk and will be invoked. async.ErrFull when too many wait.
	Accept(ctx context.Context, name string, ev async.Event) error
	// DropEvents forgets what waits for a function that is gone.
	DropEvents(ctx context.Context, name string) error
	// Resolve connects to the mapping's cluster, checks its topics and writes the offset
	// each partition begins at into m.Positions and the topics' ids into m.TopicIDs. Its
	// error is a diagnosis for the caller: what was tried, what happened, what to try.
	Resolve(ctx context.Context, m *mapping.Mapping) error
}

// Code keeps deployment packages. Safe for use by many goroutines.
type Code interface {
	// Check says why a zip can't be used, to the one who uploads it.
	Check(zip []byte) error
	// Save stores a zip and says by which name it is found again. A zip that can't be
	// used is a *code.RefusedError.
	Save(ctx context.Context, zip []byte) (function.Code, error)
	// Zip gives a stored package by its SHA-256 in base64, or fs.ErrNotExist.
	Zip(sha256 string) ([]byte, error)
}

// Networks knows the entries of networks:. Safe for use by many goroutines.
type Networks interface {
	// Check says what is wrong with naming these entries together: unknown names, two ways.
	Check(names ...string) error
	// Plaintext says whether one of them allows brokers on other machines without TLS.
	Plaintext(names ...string) bool
}

// noNetworks knows no name.
type noNetworks struct{}

// Check implements Networks.
func (noNetworks) Check(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%q: there is no networks: in the configuration", names)
}

// Plaintext implements Networks.
func (noNetworks) Plaintext(...string) bool { return false }

// Config is what the API needs of the rest of gantry. Store, Engine, Code and Pattern
// are required; the others have defaults.
type Config struct {
	Store  store.Desired
	Engine Engine
	Code   Code
	// Pattern checks one filter pattern; its error says what is wrong with it.
	Pattern func(pattern string) error
	// Cluster names the configured cluster that a source belongs to: by its MSK ARN, or
	// by one bootstrap server in common. "" = none.
	Cluster func(source mapping.Source) string
	// Networks are the entries of networks:; nil = there are none.
	Networks Networks

	// Destination says why a function's events can't be sent somewhere, "" = they can; nil =
	// they can be sent nowhere.
	Destination func(to string) string

	// Notes says what an owner should know of how a function runs here; nil = nothing.
	Notes func(fn function.Function) []string

	Region         string        // what ARNs say; us-east-1
	AccountID      string        // what ARNs say; 000000000000
	ResolveTimeout time.Duration // how long a creation may wait for the cluster; 20 s

	Audit Audit                            // nil = changes are not audited
	Actor func(ctx context.Context) string // who makes a request; nil = nobody
	// Allow says why the caller may not do an operation, such as CreateFunction; nil =
	// everybody may do everything.
	Allow func(ctx context.Context, operation string) error
	// Secrets says whether the caller is shown the values of variables, and code; nil = yes.
	Secrets func(ctx context.Context) bool
	Log     *slog.Logger     // nil = slog.Default
	Now     func() time.Time // nil = time.Now
	NewID   func() string    // a new UUID; nil = random
}

// Server is Lambda's API as an http.Handler.
type Server struct {
	cfg     Config
	mux     *http.ServeMux
	signing []byte     // of code locations; a new one each start, they live for minutes
	adding  sync.Mutex // held while a new mapping is compared with the others and stored
}

// New makes the API. It fails when something required is missing.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Engine == nil || cfg.Code == nil || cfg.Pattern == nil {
		return nil, errors.New("lambda API: Store, Engine, Code and Pattern are required")
	}
	s := &Server{cfg: cfg.withDefaults(), signing: make([]byte, 32)}
	_, _ = rand.Read(s.signing) // never fails (crypto/rand)
	s.mux = http.NewServeMux()
	for _, r := range s.routes() {
		route(s.mux, r.Method+" "+r.Path, r.handler)
	}
	s.mux.HandleFunc("GET "+CodePath+"{sha}", s.serveCode)
	s.mux.HandleFunc("/", s.noSuchOperation)
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Cluster == nil {
		c.Cluster = func(mapping.Source) string { return "" }
	}
	if c.Networks == nil {
		c.Networks = noNetworks{}
	}
	if c.Destination == nil {
		c.Destination = func(string) string { return "there is nothing that writes to destinations" }
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.AccountID == "" {
		c.AccountID = "000000000000"
	}
	if c.ResolveTimeout == 0 {
		c.ResolveTimeout = 20 * time.Second
	}
	if c.Audit == nil {
		c.Audit = noAudit{}
	}
	if c.Actor == nil {
		c.Actor = func(context.Context) string { return "" }
	}
	if c.Allow == nil {
		c.Allow = func(context.Context, string) error { return nil }
	}
	if c.Secrets == nil {
		c.Secrets = func(context.Context) bool { return true }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	return c
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, s.withCall(w, r))
}
