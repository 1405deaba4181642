// Package network makes connections the way their owner wants them made: through a
// SOCKS5 or HTTP proxy or an SSH jump host, from a chosen source address, to another
// address than the one advertised, and only to what an egress allow list permits.
//
// The flow: the entries of `networks:` (Config) become Networks; names of entries become
// one dial function (Dial), which Kafka clients, HTTP clients and AWS's SDK take in place
// of their own. For each connection the address map comes first, then the allow list,
// then the way. A name is resolved here before it is compared with networks of the list,
// and the address that was compared is the one that is dialled.
//
// Invariants: nothing is dialled that the allow list does not permit, whoever named it (a
// mapping, the cluster's metadata, DNS); an unknown name is an error, never a direct
// connection; passwords and keys appear in no error and no log. An error is an *Error,
// which explains itself.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Dial opens a connection to host:port; network is tcp.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Secrets is where the logins and keys of ways are resolved. Errors name the reference,
// never content. Safe for use by many goroutines.
type Secrets interface {
	// Fields gives a secret that holds named values.
	Fields(ctx context.Context, ref string) (map[string]string, error)
	// Plain gives a secret that is one value.
	Plain(ctx context.Context, ref string) (string, error)
	// Forget drops a secret from memory, so that it is read again at its place.
	Forget(ref string)
}

// Options are what Networks are made from.
type Options struct {
	Entries map[string]Config // `networks:`, each entry valid
	Secrets Secrets
	Log     *slog.Logger // nil = slog.Default
	// Lookup resolves names that are compared with networks of an allow list; nil = this
	// machine's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Networks are the entries of `networks:`. Ways that keep a connection (jump hosts) are
// shared by all who name them. Safe for use by many goroutines. Close them.
type Networks struct {
	options Options

	mu    sync.Mutex
	jumps map[string]*jump
	told  map[string]time.Time // refusals that were logged
}

// New makes Networks from entries that passed Validate. It connects to nothing.
func New(o Options) *Networks {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &Networks{options: o, jumps: map[string]*jump{}, told: map[string]time.Time{}}
}

// Check says what is wrong with naming these entries together, all of it at once:
// unknown names, two different ways.
func (n *Networks) Check(names ...string) error {
	_, err := n.join(names)
	return err
}

// Dial gives the way that entries make up together. Without names it is a plain, direct
// dialer. The error is Check's.
func (n *Networks) Dial(names ...string) (Dial, error) {
	entry, err := n.join(names)
	if err != nil {
		return nil, err
	}
	p, err := n.path(entry)
	if err != nil {
		return nil, err
	}
	return p.dial, nil
}

// Plaintext says whether one of the entries allows connections without TLS to other
// machines.
func (n *Networks) Plaintext(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return n.options.Entries[name].AllowPlaintext })
}

// Close ends the connections to jump hosts, and with them what goes through.
func (n *Networks) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, j := range n.jumps {
		j.close()
	}
	clear(n.jumps)
	return nil
}

// joined is what several entries make up together.
type joined struct {
	Config
	names []string
	way   string // the entry that has the way
	lists []string
}

// join adds entries up: allow lists as the rules of several security groups, address
// maps as one; of ways and source addresses there may be one.
func (n *Networks) join(names []string) (joined, error) {
	sum := joined{names: names}
	var errs []error
	for _, name := range names {
		entry, known := n.options.Entries[name]
		if !known {
			errs = append(errs, fmt.Errorf("%q is no name in networks: of the configuration; known are %q",
				name, slices.Sorted(maps.Keys(n.options.Entries))))
			continue
		}
		errs = append(errs, sum.add(name, entry)...)
	}
	return sum, errors.Join(errs...)
}

func (sum *joined) add(name string, c Config) []error {
	var errs []error
	switch {
	case !c.hasWay():
	case sum.way == "":
		sum.way, sum.Proxy, sum.ProxyLogin, sum.ProxyCA, sum.Jump = name, c.Proxy, c.ProxyLogin, c.ProxyCA, c.Jump
	case !c.sameWay(sum.Config):
		errs = append(errs, fmt.Errorf("networks %s and %s name two different ways; keep one", sum.way, name))
	}
	switch {
	case c.Source == "" || c.Source == sum.Source:
	case sum.Source == "":
		sum.Source = c.Source
	default:
		errs = append(errs, fmt.Errorf("network %s has the source address %s and another one %s; keep one", name, c.Source, sum.Source))
	}
	for from, to := range c.Addresses {
		if known, ok := sum.Addresses[from]; ok && known != to {
			errs = append(errs, fmt.Errorf("network %s maps %s to %s and another one to %s; keep one", name, from, to, known))
		}
		if sum.Addresses == nil {
			sum.Addresses = map[string]string{}
		}
		sum.Addresses[from] = to
	}
	if c.Allow != nil {
		sum.Allow = append(slices.Clip(sum.Allow), c.Allow...)
		if sum.Allow == nil {
			sum.Allow = []string{}
		}
		sum.lists = append(sum.lists, name)
	}
	return errs
}
