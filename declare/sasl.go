package declare

import (
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml/ast"

	"gantry/kafka"
)

// sasl reads how one logs in to a cluster.
func (r *reader) sasl(to **kafka.SASLConfig) read {
	return func(n ast.Node, path string) {
		var mechanism string
		c := &kafka.SASLConfig{}
		r.object(n, path, members{
			"mechanism": r.text(&mechanism), "secret": r.ref(&c.Secret), "username": r.ref(&c.Username), "password": r.ref(&c.Password),
			"delegationToken": r.flag(&c.DelegationToken), "oauth": r.oauth(&c.OAuth), "kerberos": r.kerberos(&c.Kerberos), "iam": r.iam(&c.IAM),
		})
		c.Mechanism = kafka.Mechanism(mechanism)
		*to = c
	}
}

func (r *reader) oauth(to **kafka.OAuthConfig) read {
	return func(n ast.Node, path string) {
		c := &kafka.OAuthConfig{Extensions: map[string]string{}}
		r.object(n, path, members{
			"tokenEndpoint": r.text(&c.TokenEndpoint), "ca": r.ref(&c.CA), "clientId": r.text(&c.ClientID), "clientSecret": r.ref(&c.ClientSecret),
			"clientAuth": r.text(&c.ClientAuth), "scope": r.text(&c.Scope), "audience": r.text(&c.Audience),
			"privateKey": r.ref(&c.PrivateKey), "privateKeyPassword": r.ref(&c.PrivateKeyPassword), "issuer": r.text(&c.Issuer), "subject": r.text(&c.Subject),
			"assertionAudience": r.text(&c.AssertionAudience), "assertionLifetime": r.duration(&c.AssertionLifetime, time.Second, 24*time.Hour),
			"keyId": r.text(&c.KeyID), "assertion": r.ref(&c.Assertion), "token": r.ref(&c.Token), "webIdentity": r.flag(&c.WebIdentity),
			"extensions": r.textMap(c.Extensions),
		})
		if len(c.Extensions) == 0 {
			c.Extensions = nil
		}
		*to = c
	}
}

func (r *reader) kerberos(to **kafka.KerberosConfig) read {
	return func(n ast.Node, path string) {
		c := &kafka.KerberosConfig{}
		r.object(n, path, members{
			"principal": r.text(&c.Principal), "keytab": r.place(&c.Keytab), "password": r.ref(&c.Password), "cache": r.place(&c.Cache),
			"config": r.place(&c.Config), "service": r.text(&c.Service), "noFast": r.flag(&c.NoFAST),
		})
		*to = c
	}
}

func (r *reader) iam(to **kafka.IAMConfig) read {
	return func(n ast.Node, path string) {
		c := &kafka.IAMConfig{}
		r.object(n, path, members{
			"region": r.text(&c.Region), "profile": r.text(&c.Profile), "role": r.text(&c.Role),
			"sessionName": r.text(&c.SessionName), "externalId": r.text(&c.ExternalID),
		})
		*to = c
	}
}

// place is the path of a file, relative to the file that names it.
func (r *reader) place(to *string) read {
	return func(n ast.Node, path string) {
		if r.text(to)(n, path); *to != "" && !filepath.IsAbs(*to) {
			*to = filepath.Join(r.id.Dir, *to)
		}
	}
}
