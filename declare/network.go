package declare

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/mapping"
	"gantry/network"
)

// network reads one entry of `networks:`.
func (r *reader) network(name string, n ast.Node, path string) {
	var c network.Config
	r.object(n, path, members{
		"proxy": r.text(&c.Proxy), "proxyLogin": r.ref(&c.ProxyLogin), "proxyCA": r.ref(&c.ProxyCA),
		"jump": func(n ast.Node, path string) {
			c.Jump = &network.Jump{}
			r.object(n, path, members{
				"host": r.text(&c.Jump.Host), "user": r.text(&c.Jump.User), "key": r.ref(&c.Jump.Key),
				"keyPassphrase": r.ref(&c.Jump.KeyPassphrase), "knownHosts": r.path(&c.Jump.KnownHosts),
			})
		},
		"addresses": func(n ast.Node, path string) {
			c.Addresses = map[string]string{}
			r.textMap(c.Addresses)(n, path)
		},
		"source": r.text(&c.Source),
		"allow": func(n ast.Node, path string) {
			c.Allow = []string{} // an empty list allows nothing
			r.texts(&c.Allow)(n, path)
		},
		"allowPlaintext": r.flag(&c.AllowPlaintext),
	})
	if err := c.Validate(); err != nil {
		for line := range strings.Lines(err.Error()) {
			r.fault(n, path, "%s", strings.TrimSpace(line))
		}
	}
	r.file.Networks[name] = c
}

// path is a file's path, relative to the folder of the configuration file.
func (r *reader) path(to *string) read {
	return func(n ast.Node, path string) {
		if s, ok := r.scalar(n, path, "a path"); ok && s != "" {
			if !filepath.IsAbs(s) {
				s = filepath.Join(r.id.Dir, s)
			}
			*to = s
		}
	}
}

// networkNames reads `network:`, one name of networks: or a list of them. That they are
// there is checked at the end: networks: may stand below.
func (r *reader) networkNames(to *[]string) read {
	return func(n ast.Node, path string) {
		if _, ok := plain(n).(*ast.SequenceNode); ok {
			r.texts(to)(n, path)
		} else {
			var name string
			r.text(&name)(n, path)
			*to = []string{name}
		}
		r.named = append(r.named, naming{place{n, path}, to})
	}
}

// naming is a place in the file that names networks.
type naming struct {
	place
	names *[]string
}

// checkNetworks finds names that are not there, and those that do not go together. What
// is only checked by the one who knows all networks is left to it.
func (r *reader) checkNetworks() {
	if r.id.AnyCluster {
		return
	}
	known := network.New(network.Options{Entries: r.file.Networks})
	check := func(p place, names []string) {
		if err := known.Check(names...); err != nil {
			r.fault(p.node, p.path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	for _, n := range r.named {
		check(n.place, *n.names)
	}
	for i, m := range r.file.Mappings {
		access := mapping.Source{Access: m.Source.Access}
		if names := access.NetworkNames(); len(names) > 0 {
			names = slices.Concat(m.Source.Networks, names)
			check(place{r.places[i].node, join(r.places[i].path, "sourceAccessConfigurations")}, names)
		}
	}
}
