package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jcmturner/gokrb5/v8/credentials"
)

// UnknownPrincipal stands for a principal that gantry can't know: the broker makes it of
// something gantry does not see.
const UnknownPrincipal = "User:NAME"

// principalPatience bounds the fetching of a token whose name is asked for.
const principalPatience = 5 * time.Second

// Principal is who gantry is to the brokers' ACLs, as Kafka makes it by default: of a
// login by password its user, of a token its claim sub, of a ticket the first part of its
// owner, of a client certificate its subject; else UnknownPrincipal. Brokers that map names
// (ssl.principal.mapping.rules, sasl.kerberos.principal.to.local.rules,
// sasl.oauthbearer.sub.claim.name) make another one.
func (c Cluster) Principal(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, principalPatience)
	defer cancel()
	name := ""
	switch who := c.who().(type) {
	case nil:
		own := c.ownCertificate()
		if own == nil {
			return "User:ANONYMOUS"
		}
		name = own.Subject.String()
	case passwords:
		if login, err := who.login(ctx); err == nil {
			name = login.User
		}
	case bearer:
		if t, err := who.get(ctx, c.firstBroker()); err == nil {
			name = subjectOf(t.text)
		}
	case *kerberos:
		name = who.primary(ctx)
	}
	if name == "" {
		return UnknownPrincipal
	}
	return "User:" + name
}

func (c Cluster) firstBroker() string {
	if len(c.Brokers) == 0 {
		return ""
	}
	return c.Brokers[0]
}

// ownCertificate is the client certificate that is shown to brokers, nil = none.
func (c Cluster) ownCertificate() *x509.Certificate {
	if c.TLS == nil {
		return nil
	}
	var pair *tls.Certificate
	if len(c.TLS.Certificates) > 0 {
		pair = &c.TLS.Certificates[0]
	} else if c.TLS.GetClientCertificate != nil {
		pair, _ = c.TLS.GetClientCertificate(&tls.CertificateRequestInfo{}) // without one there is no principal
	}
	switch {
	case pair == nil || len(pair.Certificate) == 0:
		return nil
	case pair.Leaf != nil:
		return pair.Leaf
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}

// subjectOf reads the claim sub of a token, "" where it has none or is no JWT.
func subjectOf(token string) string {
	claims := jwt.RegisteredClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return ""
	}
	return claims.Subject
}

// primary is the first part of the ticket's owner: name of name/instance@REALM.
func (k *kerberos) primary(ctx context.Context) (name string) {
	name = k.config.Principal
	if name == "" {
		m, err := k.read(ctx)
		if err != nil {
			return ""
		}
		name = ownerOf(m.cache)
	}
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, "/")
	return name
}

func ownerOf(content []byte) (owner string) {
	defer func() {
		if recover() != nil { // the library's reader indexes beyond a file that was cut short
			owner = ""
		}
	}()
	cache := new(credentials.CCache)
	if cache.Unmarshal(content) != nil {
		return ""
	}
	return cache.DefaultPrincipal.PrincipalName.PrincipalNameString()
}
