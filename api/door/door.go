// Package door stands before every route of gantry's one listener. An API that creates
// functions runs code, so the door is shut by default. In this order a request is
//
//  1. given a request id, and watched for panics
//  2. refused when its Host is not a name of this listener (a page that rebinds its DNS
//     name to loopback), or when a browser says it comes from a foreign page
//  3. refused when its Authorization header is not a signature (SigV4) made with a known
//     key for this moment; only the routes named open are spared
//  4. read: its body must arrive in time, within the limit, and must be what was signed
//  5. refused when its signature was let in before (replay.go)
//  6. handed on, with the actor in its context
//
// Nothing is read from a caller whose header did not pass, and no answer tells more than
// AWS's own would. What a role may do is the table of roles.go; both APIs ask it before they
// read a request.
package door

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// Config is what the door of a listener must know.
type Config struct {
	Listen    string   // the address that is listened on: IP:PORT as the listener tells it
	Names     []string // further names clients may use, with or without a port
	Keys      Keys     // who may come in; not needed with Anonymous
	Anonymous bool     // any credentials or none are accepted: demo and dev, on loopback only
	Open      []string // routes that need no signature: whole paths, or prefixes that end in /

	MaxBody     int64            // 0 = DefaultMaxBody
	BodyTimeout time.Duration    // how long a body may take to arrive; 0 = DefaultBodyTimeout
	Log         *slog.Logger     // nil = nothing is logged
	Now         func() time.Time // nil = time.Now
}

const (
	// DefaultMaxBody holds the largest package that AWS takes directly, 50 MB, in base64.
	DefaultMaxBody = 69_905_067
	// DefaultBodyTimeout lets such a package arrive over a slow tunnel.
	DefaultBodyTimeout = 5 * time.Minute

	openBody = 64 << 10 // what an open route may carry: it changes nothing
)

type door struct {
	Config
	hosts   hosts
	next    http.Handler
	replays replays
}

// New puts the door before a handler.
func New(cfg Config, next http.Handler) (http.Handler, error) {
	hosts, loopback, err := hostsOf(cfg.Listen, cfg.Names)
	var faults []error
	if err != nil {
		faults = append(faults, err)
	}
	if cfg.Anonymous && !loopback {
		faults = append(faults, fmt.Errorf("listen %s: any credentials are accepted on loopback only; use 127.0.0.1 or configure keys", cfg.Listen))
	}
	if !cfg.Anonymous && cfg.Keys.Len() == 0 {
		faults = append(faults, errors.New("there is no key, so nobody could come in"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("guard the API: %w", err)
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = DefaultBodyTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &door{Config: cfg, hosts: hosts, next: next}, nil
}

// ServeHTTP lets a request in, or answers why not.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w, r = withRequestID(w, r)
	defer func() {
		if cause := recover(); cause != nil {
			d.answerPanic(w, r, cause)
		}
	}()
	in, err := d.admit(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.next.ServeHTTP(w, in)
}

// admit gives the request as it is handed on.
func (d *door) admit(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if err := d.hosts.check(r); err != nil {
		return nil, err
	}
	if d.isOpen(r) {
		_, err := d.readBody(w, r, openBody)
		return withCaller(r, caller{actor: anonymous}), err
	}
	if d.Anonymous {
		_, err := d.readBody(w, r, d.MaxBody)
		return withCaller(r, caller{actor: claimedKey(r), role: Admin}), err
	}
	s, err := parseSignature(r)
	if err != nil {
		return nil, err
	}
	key, err := d.keyFor(s)
	if err != nil {
		return nil, err
	}
	body, err := d.readBody(w, r, d.MaxBody)
	if err != nil {
		return nil, err
	}
	if err := s.verify(r, body, key.Secret); err != nil {
		return nil, err
	}
	if err := d.replays.check(r, s, d.Now()); err != nil {
		return nil, err
	}
	return withCaller(r, caller{actor: key.ID, role: key.Role, function: key.Function}), nil
}

// keyFor holds what can be said against a signature without reading the body.
func (d *door) keyFor(s signature) (Key, error) {
	key, known := d.Keys.find(s.keyID)
	if !known {
		return Key{}, unknownKey()
	}
	return key, s.checkScope(d.Now())
}

// isOpen knows an open route by its clean path only, so that no spelling of another
// route can pass for it.
func (d *door) isOpen(r *http.Request) bool {
	p := r.URL.Path
	if clean := path.Clean(p); clean != p && clean+"/" != p {
		return false
	}
	for _, open := range d.Open {
		if p == open || strings.HasSuffix(open, "/") && strings.HasPrefix(p, open) {
			return true
		}
	}
	return false
}

// refuse answers, and says in the log who was turned away; a client that goes on sending
// its body is cut off.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{status: http.StatusBadRequest, kind: "InvalidRequestContentException", message: err.Error()}
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	d.Log.WarnContext(r.Context(), "request refused", "status", f.status, "reason", f.kind, "detail", f.message,
		"method", r.Method, "path", r.URL.EscapedPath(), "from", peer, "requestId", RequestID(r.Context()))
	w.Header().Set("Connection", "close")
	f.write(w)
}
