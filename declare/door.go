package declare

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/telemetry/mask"
)

func (r *reader) tls(n ast.Node, path string) {
	var t TLS
	r.object(n, path, members{"cert": r.ref(&t.Cert), "key": r.ref(&t.Key), "clientCA": r.ref(&t.ClientCA)})
	if t.Cert == "" || t.Key == "" {
		r.fault(n, path, "want cert and key (references such as file:./secrets/api.pem)")
	}
	r.file.TLS = &t
}

func (r *reader) maskingRule(n ast.Node, path string) {
	var rule mask.Rule
	r.object(n, path, members{
		"pattern": r.text(&rule.Pattern), "field": r.text(&rule.Field), "header": r.text(&rule.Header),
		"topics": r.texts(&rule.Topics),
	})
	if err := rule.Validate(); err != nil {
		r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	r.file.Masking = append(r.file.Masking, rule)
}
