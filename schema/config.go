package schema

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Config is a cluster's schemaRegistry: one registry that speaks Confluent's HTTP API.
// What is a password, a key or a certificate is a reference to a secret.
type Config struct {
	URLs     []string // http or https; any of them answers for all
	Secret   string   // ref: a secret with username and password
	Username string   // ref
	Password string   // ref
	Token    string   // ref: a bearer token
	TLS      TLSConfig
	Network  []string // entries of `networks:` it is reached through; none = as the cluster is

	// AllowPlaintext permits a login over http to another machine.
	AllowPlaintext bool
}

// TLSConfig says whom to trust and who one is. All are references to PEM.
type TLSConfig struct{ CA, Cert, Key string }

// Validate names every fault at once, each with the member it is in.
func (c Config) Validate() error {
	var errs []error
	if len(c.URLs) == 0 {
		errs = append(errs, errors.New("url: is missing; want the registry's, such as https://registry:8081"))
	}
	for _, text := range c.URLs {
		errs = append(errs, c.urlFault(text))
	}
	ways := 0
	for _, given := range []bool{c.Secret != "", c.Username != "" || c.Password != "", c.Token != ""} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		errs = append(errs, errors.New("secret, username with password, and token are three ways to log in; keep one"))
	}
	if (c.Username == "") != (c.Password == "") {
		errs = append(errs, errors.New("username and password: one is missing"))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		errs = append(errs, errors.New("tls.cert and tls.key: one is missing"))
	}
	return errors.Join(errs...)
}

func (c Config) login() bool { return c.Secret != "" || c.Username != "" || c.Token != "" }

func (c Config) urlFault(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: one is no URL; want http://HOST:PORT or https://HOST:PORT")
	case u.User != nil:
		return errors.New("url: a login never belongs in the URL; use secret, username and password, or token, which are references")
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("url: %s has more than a path behind its host", text)
	case u.Scheme == "http" && c.TLS != TLSConfig{}:
		return fmt.Errorf("tls: %s is plain http; write https, or leave tls out", text)
	case u.Scheme == "http" && c.login() && !c.AllowPlaintext && !loopback(u.Hostname()):
		return fmt.Errorf("url: the login would be sent to %s in plain text; use https, or set allowPlaintext: true", u.Host)
	}
	return nil
}

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || strings.HasPrefix(host, "127.") || host == "::1"
}
