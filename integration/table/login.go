package table

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gantry/sink"
)

// Login gives user and password as the settings login, user and password say. It is asked
// for at each connection, for a secret may have been rotated.
func Login(ctx context.Context, s sink.Settings, d sink.Deps) (user, password string, err error) {
	switch {
	case d.Secret == nil && s["login"]+s["password"] != "":
		return "", "", errors.New("there is nothing here that resolves references to secrets")
	case s["login"] != "":
		text, err := d.Secret(ctx, s["login"])
		if err != nil {
			return "", "", err
		}
		var l struct{ Username, Password string }
		if json.Unmarshal([]byte(text), &l) != nil || l.Username == "" {
			return "", "", fmt.Errorf(`the secret %s holds no login; want {"username": …, "password": …}`, s["login"])
		}
		return l.Username, l.Password, nil
	case s["password"] != "":
		password, err = d.Secret(ctx, s["password"])
		return s["user"], strings.TrimRight(password, "\r\n"), err
	}
	return s["user"], "", nil
}

// TLS is the configuration that the settings tls and ca ask for.
func TLS(ctx context.Context, s sink.Settings, d sink.Deps, host string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if ref := s["ca"]; ref != "" {
		pem, err := d.Secret(ctx, ref)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("%s holds no PEM certificate", ref)
		}
	}
	switch s["tls"] {
	case "require":
		cfg.InsecureSkipVerify = true // as the setting says
	case "verify-ca":
		cfg.InsecureSkipVerify = true // the name alone: VerifyConnection checks the chain
		roots := cfg.RootCAs
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, one := range state.PeerCertificates[1:] {
				between.AddCert(one)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
			return err
		}
	}
	return cfg, nil
}
