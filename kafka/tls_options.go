package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tlsVersions are the versions gantry speaks, as Java names them.
func tlsVersions() map[string]uint16 {
	return map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
}

// optionFaults checks how strict TLS is to be.
func (c *TLSConfig) optionFaults() []error {
	var errs []error
	known := slices.Sorted(maps.Keys(tlsVersions()))
	for _, name := range c.Protocols {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("tls.protocols: %q is not known; want some of %s", name, strings.Join(known, ", ")))
		}
	}
	for _, name := range c.CipherSuites {
		if _, ok := cipherSuite(name); !ok {
			errs = append(errs, fmt.Errorf("tls.cipherSuites: %q is not known; want names as in TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name))
		}
	}
	return errs
}

// options puts protocols, cipher suites and the check of names into cfg.
func (c *TLSConfig) options(cfg *tls.Config) {
	for i, name := range c.Protocols {
		version := tlsVersions()[name]
		if i == 0 {
			cfg.MinVersion, cfg.MaxVersion = version, version
		}
		cfg.MinVersion, cfg.MaxVersion = min(cfg.MinVersion, version), max(cfg.MaxVersion, version)
	}
	for _, name := range c.CipherSuites {
		if suite, ok := cipherSuite(name); ok {
			cfg.CipherSuites = append(cfg.CipherSuites, suite.ID)
		}
	}
	if c.AnyHostname {
		anyHostname(cfg)
	}
}

// anyHostname leaves out the check of the name and keeps that of the signatures.
func anyHostname(cfg *tls.Config) {
	cfg.InsecureSkipVerify = true // of crypto/tls's own check; ours follows
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the broker showed no certificate")
		}
		between := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: cfg.RootCAs, Intermediates: between})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

func pemCertificate(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
