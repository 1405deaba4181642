package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"gantry/kafka/keystore"
)

// Secrets is where references are resolved. Errors name the reference, never content.
// Safe for use by many goroutines.
type Secrets interface {
	// Fields gives a secret that holds named values.
	Fields(ctx context.Context, ref string) (map[string]string, error)
	// Plain gives a secret that is one value.
	Plain(ctx context.Context, ref string) (string, error)
	// Forget drops a secret from memory, so that it is read again at its place.
	Forget(ref string)
}

// ErrCertificate is a certificate or key that can't be used. AWS says of it "Provided
// certificate or private key is invalid".
var ErrCertificate = errors.New("provided certificate or private key is invalid")

// roots reads PEM certificates to trust.
func roots(text string) (*x509.CertPool, error) {
	pool, count := x509.NewCertPool(), 0
	err := eachCertificate(text, func(der []byte) error {
		parsed, err := x509.ParseCertificate(der)
		if err == nil {
			pool.AddCert(parsed)
			count++
		}
		return err
	})
	if err == nil && count == 0 {
		err = errors.New("it holds no PEM certificate; want -----BEGIN CERTIFICATE-----")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: root CA: %w", ErrCertificate, err)
	}
	return pool, nil
}

func eachCertificate(text string, do func(der []byte) error) error {
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if err := do(block.Bytes); err != nil {
			return err
		}
	}
}

// keyPair reads a PEM chain and its PEM key, decrypted with password where it is encrypted.
func keyPair(chain, key, password string) (*tls.Certificate, error) {
	if !strings.Contains(chain, "-----BEGIN CERTIFICATE-----") {
		return nil, fmt.Errorf("%w: it holds no PEM certificate; want -----BEGIN CERTIFICATE-----", ErrCertificate)
	}
	opened, err := openKey(key, password)
	if err != nil {
		return nil, fmt.Errorf("%w: private key: %w", ErrCertificate, err)
	}
	pair, err := tls.X509KeyPair([]byte(chain), opened)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return &pair, nil
}

// openKey gives the key as unencrypted PEM.
func openKey(text, password string) ([]byte, error) { return keystore.OpenKey(text, password) }
