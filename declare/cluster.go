package declare

import (
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/kafka"
)

// cluster reads an entry of clusters:.
func (r *reader) cluster(name string, n ast.Node, path string) {
	var c kafka.Config
	var file ast.Node
	r.object(n, path, members{
		"brokers": r.texts(&c.Brokers), "arn": r.text(&c.ARN), "embedded": r.flag(&c.Embedded), "clientId": r.text(&c.ClientID),
		"allowPlaintext": r.flag(&c.AllowPlaintext), "network": r.networkNames(&c.Network), "schemaRegistry": r.schemaRegistry(name),
		"properties": func(n ast.Node, path string) {
			file = n
			r.text(&c.Properties)(n, path)
		},
		"tls": func(n ast.Node, path string) {
			c.TLS = &kafka.TLSConfig{}
			r.object(n, path, members{
				"ca": r.ref(&c.TLS.CA), "cert": r.ref(&c.TLS.Cert), "key": r.ref(&c.TLS.Key), "keyPassword": r.ref(&c.TLS.KeyPassword),
				"anyHostname": r.flag(&c.TLS.AnyHostname), "protocols": r.texts(&c.TLS.Protocols), "cipherSuites": r.texts(&c.TLS.CipherSuites),
			})
		},
		"sasl": r.sasl(&c.SASL),
	})
	if err := c.Validate(); err != nil {
		r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	} else if c.Properties != "" {
		c = r.client(c, file, join(path, "properties"))
	}
	r.file.Clusters[name] = c
	if registry, given := r.file.Registries[name]; given && len(registry.Network) == 0 {
		registry.Network = c.Network
		r.file.Registries[name] = registry
	}
}

// client reads the Java client's file of an entry, whose path begins where the
// configuration's own do. Each of its faults is one of the line that names it.
func (r *reader) client(c kafka.Config, n ast.Node, path string) kafka.Config {
	if !filepath.IsAbs(c.Properties) {
		c.Properties = filepath.Join(r.id.Dir, c.Properties)
	}
	if r.id.Client == nil {
		return c
	}
	read, err := r.id.Client(c.Properties)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			r.fault(n, path, "%s", strings.TrimSpace(line))
		}
	}
	read.ARN, read.Network = c.ARN, c.Network
	return read
}
