package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// terms are what is known of how to reach a cluster before any secret was read.
type terms struct {
	brokers   []string
	secure    bool              // TLS, whether or not there is a CA or a certificate
	plaintext bool              // allowed towards other machines
	strict    func(*tls.Config) // protocols, cipher suites, names; nil = as crypto/tls has them

	ca        func(ctx context.Context) (string, error) // PEM; nil = the system's roots
	pair      func(ctx context.Context) (*tls.Certificate, error)
	mechanism Mechanism // "" = no SASL
	identity  identity  // nil = no SASL

	authRefs []string // what identity and pair read
	caRefs   []string
}

// entryTerms are those of an entry of `clusters:`.
func (e entrance) entryTerms(c Config) terms {
	s := e.Secrets
	t := terms{brokers: c.Brokers, plaintext: c.AllowPlaintext, secure: c.TLS != nil}
	if c.TLS != nil {
		t.strict = c.TLS.options
	}
	if c.TLS != nil && c.TLS.CA != "" {
		t.setCA(c.TLS.CA, s)
	}
	if c.TLS != nil && c.TLS.Cert != "" {
		t.authRefs = append(t.authRefs, c.TLS.Cert, c.TLS.Key)
		t.pair = c.TLS.pair(s)
	}
	if c.SASL != nil {
		t.mechanism, t.identity = c.SASL.Mechanism, e.identity(*c.SASL)
		t.authRefs = append(t.authRefs, c.SASL.refs()...)
		t.secure = t.secure || !c.AllowPlaintext
	}
	return t
}

// setCA takes a secret that is PEM, or AWS's document with the PEM in `certificate`.
func (t *terms) setCA(ref string, s Secrets) {
	t.caRefs, t.secure = []string{ref}, true
	t.ca = func(ctx context.Context) (string, error) {
		text, err := s.Plain(ctx, ref)
		if err != nil || !strings.HasPrefix(strings.TrimSpace(text), "{") {
			return text, err
		}
		fields, err := fieldsOf(ctx, s, ref, "certificate")
		return fields["certificate"], err
	}
}

func (c *TLSConfig) pair(s Secrets) func(ctx context.Context) (*tls.Certificate, error) {
	return func(ctx context.Context) (*tls.Certificate, error) {
		chain, err1 := s.Plain(ctx, c.Cert)
		key, err2 := s.Plain(ctx, c.Key)
		var password string
		var err3 error
		if c.KeyPassword != "" {
			password, err3 = s.Plain(ctx, c.KeyPassword)
		}
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		return keyPair(chain, key, password)
	}
}

// refs are the references it reads.
func (c *SASLConfig) refs() []string {
	refs := []string{c.Secret, c.Username, c.Password}
	if c.OAuth != nil {
		refs = append(refs, c.OAuth.refs()...)
	}
	if c.Kerberos != nil {
		refs = append(refs, c.Kerberos.Password)
	}
	return refs
}

func (c *SASLConfig) login(s Secrets) func(ctx context.Context) (Login, error) {
	login := c.words(s)
	if !c.DelegationToken {
		return login
	}
	return func(ctx context.Context) (Login, error) {
		l, err := login(ctx)
		l.Token = true
		return l, err
	}
}

// words gives name and password.
func (c *SASLConfig) words(s Secrets) func(ctx context.Context) (Login, error) {
	if c.Secret != "" {
		return secretLogin(c.Secret, s)
	}
	return func(ctx context.Context) (Login, error) {
		user, err1 := s.Plain(ctx, c.Username)
		password, err2 := s.Plain(ctx, c.Password)
		return Login{User: user, Password: password}, errors.Join(err1, err2)
	}
}

func secretLogin(ref string, s Secrets) func(ctx context.Context) (Login, error) {
	return func(ctx context.Context) (Login, error) {
		fields, err := fieldsOf(ctx, s, ref, "username", "password")
		return Login{User: fields["username"], Password: fields["password"]}, err
	}
}

func secretPair(ref string, s Secrets) func(ctx context.Context) (*tls.Certificate, error) {
	return func(ctx context.Context) (*tls.Certificate, error) {
		fields, err := fieldsOf(ctx, s, ref, "certificate", "privateKey")
		if err != nil {
			return nil, err
		}
		return keyPair(fields["certificate"], fields["privateKey"], fields["privateKeyPassword"])
	}
}

// fieldsOf reads a secret and names every field it lacks.
func fieldsOf(ctx context.Context, s Secrets, ref string, needed ...string) (map[string]string, error) {
	fields, err := s.Fields(ctx, ref)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range needed {
		if fields[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the secret %s has no %s; want the fields %s",
			ref, strings.Join(missing, " and no "), strings.Join(needed, ", "))
	}
	return fields, nil
}

// load reads certificates as they are now.
func (t terms) load(ctx context.Context) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.ca != nil {
		text, err := t.ca(ctx)
		if err == nil {
			cfg.RootCAs, err = roots(text)
		}
		if err != nil {
			return nil, &SecretError{What: "the root CA", Err: err}
		}
	}
	if t.pair != nil {
		pair, err := t.pair(ctx)
		if err != nil {
			return nil, &SecretError{What: "the client certificate", Err: err}
		}
		// Not Certificates: with those Go sends no certificate at all when the broker's
		// list of accepted issuers lacks its own, and the refusal then says less.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	if t.strict != nil {
		t.strict(cfg)
	}
	return cfg, nil
}

// cluster reads all secrets once, so that every fault shows now, and keeps the ways to
// read them again.
func (t terms) cluster(ctx context.Context, s Secrets) (Cluster, error) {
	c := Cluster{Brokers: t.brokers, Mechanism: t.mechanism, identity: t.identity}
	var errs []error
	if t.secure {
		var err error
		c.TLS, err = t.load(ctx)
		c.renew = t.load
		errs = append(errs, err)
	}
	if t.identity != nil {
		errs = append(errs, t.identity.check(ctx))
	}
	refs := slices.DeleteFunc(slices.Concat(t.authRefs, t.caRefs), func(ref string) bool { return ref == "" })
	c.forget = func() {
		if t.identity != nil {
			t.identity.forget()
		}
		for _, ref := range refs {
			s.Forget(ref)
		}
	}
	return c, errors.Join(errs...)
}
