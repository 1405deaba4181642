package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/mapping"
)

// ErrAccessMissing is a source on another machine without TLS and without login. The
// text is AWS's.
var ErrAccessMissing = errors.New("Required 'sourceAccessConfigurations' parameter is missing.") //nolint:staticcheck,revive // AWS's own words

// Resolver turns what a mapping says of its source into a way to reach it.
type Resolver struct {
	Clusters map[string]Config // `clusters:`, each entry valid
	Secrets  Secrets
	Networks Networks // nil = every connection is direct, and no network has a name

	// Proxy is how token endpoints are reached where no network is named; nil = directly.
	Proxy func(*http.Request) (*url.URL, error)
	// AWS gives the configuration for calls to AWS, of a profile of AWS's shared files or,
	// for "", of the `aws:` section, with credentials as they are where they come from:
	// it is called once for an identity and after a refusal. nil = AWS is out of reach.
	AWS func(ctx context.Context, profile string) (aws.Config, error)
	// Identities are shared between the clusters that are resolved; nil = none are.
	Identities *Identities
}

// Networks gives the ways that entries of `networks:` make up (network.Networks).
type Networks interface {
	// Dial gives the way that entries make up together; an unknown name is an error.
	Dial(names ...string) (func(ctx context.Context, network, address string) (net.Conn, error), error)
	// Plaintext says whether one of the entries allows brokers without TLS.
	Plaintext(names ...string) bool
}

// Resolve finds out how to reach a source and as whom: the entry of `clusters:` the
// source names, or shares a host:port with, gives TLS and login; access given in the
// source itself wins. Secrets are read, nothing is connected to. Every error is a fault
// of the source or its secrets, all of them at once.
func (r Resolver) Resolve(ctx context.Context, src mapping.Source) (Cluster, error) {
	if err := checkSource(src); err != nil {
		return Cluster{}, err
	}
	entry, err := r.entry(src)
	if err != nil {
		return Cluster{}, err
	}
	w, err := r.way(src, entry)
	if err != nil {
		return Cluster{}, err
	}
	asked := entrance{Resolver: r, way: w} // whoever makes a mapping can't name what a client file holds
	own := entrance{Resolver: r, way: w, file: entry.client.where()}
	own.Secrets = entry.secretsOf(r.Secrets)
	t := own.entryTerms(entry)
	// A configured login goes to the configured brokers only: a source that names one of
	// them and a stranger beside it must not have the password sent to the stranger.
	identity := src.Identity()
	if len(src.Bootstrap) > 0 && (entry.SASL == nil || ownLogin(identity)) {
		t.brokers = src.Bootstrap
	}
	t.plaintext = t.plaintext || src.AllowPlaintext || w.private
	t.override(identity, asked)
	if len(t.brokers) == 0 {
		return Cluster{}, fmt.Errorf("find the brokers of %s: it has none; an embedded cluster has them once gantry serves", sourceName(src))
	}
	if !t.secure && !t.plaintext {
		if err := onlyLoopback(t.brokers); err != nil {
			return Cluster{}, err
		}
	}
	c, err := t.cluster(ctx, own.Secrets)
	c.Dial, c.ClientID = w.dial, entry.ClientID
	if err != nil {
		return Cluster{}, fmt.Errorf("resolve the access to %s: %w", sourceName(src), err)
	}
	return c, nil
}

// way is how brokers are reached, and what logging in to them fetches from elsewhere.
type way struct {
	names   []string // entries of `networks:`; none = directly
	dial    Dialer   // nil = directly
	private bool     // the networks allow brokers without TLS
}

// way finds it: by the networks the source names, else by those of its cluster.
func (r Resolver) way(src mapping.Source, entry Config) (way, error) {
	w := way{names: src.NetworkNames()}
	if len(w.names) == 0 {
		w.names = entry.Network
	}
	if len(w.names) == 0 {
		return w, nil
	}
	if r.Networks == nil {
		return w, fmt.Errorf("find the networks %q of %s: there is no networks: in the configuration", w.names, sourceName(src))
	}
	dial, err := r.Networks.Dial(w.names...)
	if err != nil {
		return w, fmt.Errorf("find the networks of %s: %w", sourceName(src), err)
	}
	w.dial, w.private = dial, r.Networks.Plaintext(w.names...)
	return w, nil
}

func sourceName(src mapping.Source) string {
	switch {
	case src.Cluster != "":
		return "cluster " + src.Cluster
	case src.ARN != "":
		return src.ARN
	}
	return strings.Join(src.Bootstrap, ",")
}

func checkSource(src mapping.Source) error {
	var errs []error
	if src.Cluster == "" && src.ARN == "" && len(src.Bootstrap) == 0 {
		errs = append(errs, errors.New("the source names no cluster and no bootstrap servers"))
	}
	for _, broker := range src.Bootstrap {
		if err := checkAddress(broker); err != nil {
			errs = append(errs, fmt.Errorf("bootstrap servers: %w", err))
		}
	}
	return errors.Join(append(errs, accessFaults(src.Identity())...)...)
}

// entry finds the entry of `clusters:` a source belongs to; the zero Config if none does.
func (r Resolver) entry(src mapping.Source) (Config, error) {
	names := slices.Sorted(maps.Keys(r.Clusters))
	switch {
	case src.Cluster != "":
		if c, ok := r.Clusters[src.Cluster]; ok {
			return c, nil
		}
		return Config{}, fmt.Errorf("cluster %q is not in clusters:; known are %q", src.Cluster, names)
	case src.ARN != "":
		for _, name := range names {
			if c := r.Clusters[name]; name == src.ARN || c.ARN == src.ARN {
				return c, nil
			}
		}
		return Config{}, fmt.Errorf("the cluster %s is not in clusters:; add an entry with its brokers and arn: %[1]s", src.ARN)
	}
	var found []string
	for _, name := range names {
		if shareBroker(r.Clusters[name].Brokers, src.Bootstrap) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 0:
		return Config{}, nil
	case len(found) > 1 && len(src.Identity()) == 0:
		return Config{}, fmt.Errorf("the brokers %s belong to several entries of clusters: (%s); name one of them, or give the access with the source",
			strings.Join(src.Bootstrap, ","), strings.Join(found, ", "))
	}
	return r.Clusters[found[0]], nil
}

// ownLogin says whether a source brings its own identity; a root CA is none.
func ownLogin(access []mapping.Access) bool {
	return slices.ContainsFunc(access, mapping.Access.Login)
}

func shareBroker(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return strings.EqualFold(x, y) })
	})
}

func onlyLoopback(brokers []string) error {
	for _, broker := range brokers {
		host, _, _ := net.SplitHostPort(broker)
		ip, err := netip.ParseAddr(host)
		if (err == nil && ip.IsLoopback()) || strings.EqualFold(host, "localhost") {
			continue
		}
		return fmt.Errorf("%w %s is on another machine: give a login, a client certificate or a root CA, "+
			"name the cluster in clusters:, or set allowPlaintext: true", ErrAccessMissing, broker)
	}
	return nil
}
