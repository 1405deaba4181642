package declare

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"gantry/secret"
)

// secretRule reads one entry of `secrets:`.
func (r *reader) secretRule(n ast.Node, path string) {
	var rule secret.Rule
	r.object(n, path, members{
		"prefix": r.text(&rule.Prefix), "from": r.secretPlace(&rule.From), "expiry": r.duration(&rule.Expiry, time.Second, 24*time.Hour),
	})
	r.file.Secrets = append(r.file.Secrets, rule)
	if err := r.file.Secrets.Validate(); err != nil {
		for line := range strings.Lines(err.Error()) { // those of earlier rules are told already
			if text, own := strings.CutPrefix(strings.TrimSpace(line), path+": "); own {
				r.fault(n, path, "%s", text)
			}
		}
	}
}

// secretPlace reads the word aws, or an object with the place's own settings.
func (r *reader) secretPlace(f *secret.From) read {
	return func(n ast.Node, path string) {
		if s, ok := plain(n).(*ast.StringNode); ok && s.Value == "aws" {
			f.AWS = true
			return
		}
		r.object(n, path, members{
			"dir": r.path(&f.Dir), "kubernetes": r.path(&f.Kubernetes),
			"vault": func(n ast.Node, path string) {
				f.Vault = &secret.Vault{}
				r.vault(n, path, f.Vault)
			},
		})
	}
}

func (r *reader) vault(n ast.Node, path string, v *secret.Vault) {
	r.object(n, path, members{
		"address": r.text(&v.Address), "namespace": r.text(&v.Namespace), "mount": r.text(&v.Mount),
		"version": r.number(&v.Version, 1, 2), "ca": r.ref(&v.CA), "network": r.networkNames(&v.Network), "token": r.ref(&v.Token),
		"appRole": func(n ast.Node, path string) {
			v.AppRole = &secret.AppRole{}
			r.object(n, path, members{"roleId": r.ref(&v.AppRole.RoleID), "secretId": r.ref(&v.AppRole.SecretID), "mount": r.text(&v.AppRole.Mount)})
		},
		"kubernetes": func(n ast.Node, path string) {
			v.Kubernetes = &secret.KubernetesLogin{}
			r.object(n, path, members{"role": r.text(&v.Kubernetes.Role), "token": r.ref(&v.Kubernetes.Token), "mount": r.text(&v.Kubernetes.Mount)})
		},
	})
}
