package schema

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// Secrets is where logins and certificates are resolved. Errors name the reference, never
// content. Safe for use by many goroutines.
type Secrets interface {
	Fields(ctx context.Context, ref string) (map[string]string, error)
	Plain(ctx context.Context, ref string) (string, error)
	Forget(ref string)
}

// Dial opens a connection to host:port.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Options are what Registries are made from.
type Options struct {
	Entries map[string]Config // by the name of the cluster; each valid
	Secrets Secrets
	// Dial gives the way that entries of `networks:` make up; nil = every one is direct.
	Dial func(names ...string) (Dial, error)
	// Proxy is used where no network is named; nil = none.
	Proxy func(*http.Request) (*url.URL, error)
}

// Registries are the schema registries of the configured clusters. Safe for use by many
// goroutines.
type Registries struct {
	options Options

	mu   sync.Mutex
	made map[string]*Registry
}

// New makes Registries. It connects to nothing.
func New(o Options) *Registries { return &Registries{options: o, made: map[string]*Registry{}} }

// Of gives the registry of a cluster.
func (r *Registries) Of(cluster string) (*Registry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.made[cluster]; one != nil {
		return one, nil
	}
	cfg, known := r.options.Entries[cluster]
	if !known {
		return nil, fmt.Errorf("cluster %q has no schemaRegistry: in the configuration; add its url", cluster)
	}
	one := &Registry{cluster: cluster, cfg: cfg, secrets: r.options.Secrets, proxy: r.options.Proxy}
	if len(cfg.Network) > 0 && r.options.Dial != nil {
		dial, err := r.options.Dial(cfg.Network...)
		if err != nil {
			return nil, fmt.Errorf("find the way to the schema registry of cluster %s: %w", cluster, err)
		}
		one.dial = dial
	}
	r.made[cluster] = one
	return one, nil
}
