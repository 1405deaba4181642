package aws_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// gate stands before AWS API servers and does what IAM does before AWS: it lets through
// what the policy of the one who signed allows, refuses the rest as AWS does, and fails
// the test over what it does not know. Each identity has one document and nothing else.
type gate struct {
	URL string

	t         *testing.T
	reference reference
	secrets   func(id string) string // the whole ARN of a secret
	services  map[string]http.Handler

	mu      sync.Mutex
	keys    map[string]identity
	allowed map[string]map[lack]int // by user: what was let through
	refused map[string]map[lack]int
}

// identity is who an access key belongs to, with what it may.
type identity struct {
	user string
	may  document
}

func newGate(t *testing.T, secrets func(id string) string) *gate {
	g := &gate{t: t, reference: readReference(t), secrets: secrets, services: map[string]http.Handler{},
		keys: map[string]identity{}, allowed: map[string]map[lack]int{}, refused: map[string]map[lack]int{}}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	g.URL = s.URL
	return g
}

// to has services answered by a server at a URL. The host stays, since it is signed.
func (g *gate) to(at string, services ...string) {
	u, err := url.Parse(at)
	require.NoError(g.t, err)
	for _, name := range services {
		g.services[name] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
		}}
	}
}

// let gives an access key its only document.
func (g *gate) let(key, user string, may document) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys[key] = identity{user, may}
	g.allowed[user], g.refused[user] = map[lack]int{}, map[lack]int{}
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a, err := ask(r, body, g.secrets)
	next, known := g.services[a.service]
	who, ours := g.identity(a.key)
	switch {
	case err != nil:
		g.t.Errorf("the gate: %v", err)
	case !known || !ours:
		g.t.Errorf("the gate: %s as %q on %s: service known %v, identity known %v", a.action, a.key, a.resource, known, ours)
	case len(g.reference.faults(statement{Effect: "Allow", Action: []string{a.action}, Resource: []string{a.resource}})) > 0:
		g.t.Errorf("the gate: AWS's reference does not have %s on %s", a.action, a.resource)
	case !a.free() && !g.pass(who, a):
		a.refuse(w, "arn:aws:iam::"+account+":user/"+who.user)
		return
	default:
		next.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusNotImplemented)
}

func (g *gate) identity(key string) (identity, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who, ours := g.keys[key]
	return who, ours
}

func (g *gate) pass(who identity, a asked) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if who.may.allows(a.action, a.resource) {
		g.allowed[who.user][lack{a.action, a.resource}]++
		return true
	}
	g.refused[who.user][lack{a.action, a.resource}]++
	return false
}

// decisions are what a user was allowed and refused so far.
func (g *gate) decisions(user string) (allowed, refused map[lack]int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.allowed[user]), maps.Clone(g.refused[user])
}

// sum is how often something was let through, whoever asked.
func (g *gate) sum() map[lack]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[lack]int{}
	for _, one := range g.allowed {
		for what, n := range one {
			out[what] += n
		}
	}
	return out
}
