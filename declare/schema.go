package declare

import (
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/mapping"
	"gantry/schema"
)

// schemaRegistry reads the schema registry of a cluster. One without a network of its own
// is reached as its cluster is.
func (r *reader) schemaRegistry(cluster string) read {
	return func(n ast.Node, path string) {
		var c schema.Config
		var one string
		r.object(n, path, members{
			"url": r.text(&one), "urls": r.texts(&c.URLs), "secret": r.ref(&c.Secret), "username": r.ref(&c.Username),
			"password": r.ref(&c.Password), "token": r.ref(&c.Token), "network": r.networkNames(&c.Network),
			"allowPlaintext": r.flag(&c.AllowPlaintext),
			"tls": func(n ast.Node, path string) {
				r.object(n, path, members{"ca": r.ref(&c.TLS.CA), "cert": r.ref(&c.TLS.Cert), "key": r.ref(&c.TLS.Key)})
			},
			"glue": r.glue,
		})
		if one != "" {
			c.URLs = append([]string{one}, c.URLs...)
		}
		if err := c.Validate(); err != nil {
			r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		r.file.Registries[cluster] = c
	}
}

// glue is a registry of another kind, which is refused by its name.
func (r *reader) glue(n ast.Node, path string) {
	r.fault(n, path, "AWS Glue Schema Registry is not supported: its wire format is another one; name a registry with Confluent's API by url")
}

// outputSchema reads the schemas that output records are written by.
func (r *reader) outputSchema(to **mapping.OutputSchema) read {
	return func(n ast.Node, path string) {
		*to = &mapping.OutputSchema{}
		r.object(n, path, members{"value": r.oneSchema(&(*to).Value), "key": r.oneSchema(&(*to).Key)})
		if **to == (mapping.OutputSchema{}) {
			r.fault(n, path, "want value, key, or both")
		}
	}
}

func (r *reader) oneSchema(to **mapping.Schema) read {
	return func(n ast.Node, path string) {
		var s mapping.Schema
		r.object(n, path, members{
			"format": r.oneOf(&s.Format, mapping.Avro, mapping.JSON, mapping.Protobuf), "subject": r.text(&s.Subject),
			"version": r.schemaVersion(&s.Version), "file": r.text(&s.File), "register": r.flag(&s.Register), "message": r.text(&s.Message),
		})
		if s.File != "" && !filepath.IsAbs(s.File) {
			s.File = filepath.Join(r.id.Dir, s.File)
		}
		*to = &s
	}
}

// schemaVersion is a number, or latest.
func (r *reader) schemaVersion(to *int) read {
	return func(n ast.Node, path string) {
		if s, ok := plain(n).(*ast.StringNode); ok && s.Value == "latest" {
			*to = 0
			return
		}
		r.number(to, 1, 1<<30)(n, path)
	}
}
