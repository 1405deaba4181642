package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

func pkcs12Identity(store []byte, p Passwords) (Pair, error) {
	if p.Key != "" && p.Key != p.Store {
		return Pair{}, errors.New("its key has a password of its own, which PKCS#12 stores of Java do not have; make the two passwords the same")
	}
	key, first, others, err := pkcs12.DecodeChain(store, p.Store)
	if err != nil {
		return Pair{}, pkcs12Fault(err)
	}
	chain, err := chainOf(key, append([]*x509.Certificate{first}, others...))
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("its key can't be used: %w", err)
	}
	return Pair{Chain: encode(chain...), Key: encodeKey(der)}, nil
}

// chainOf finds the certificate of a key and who issued it, and so on. A store may hold
// trusted certificates beside them, and has no order one can rely on.
func chainOf(key any, all []*x509.Certificate) ([]*x509.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its key can't sign")
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("its key can't be used: %w", err)
	}
	var chain []*x509.Certificate
	for _, c := range all {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, public) {
			chain = []*x509.Certificate{c}
			break
		}
	}
	if chain == nil {
		return nil, errors.New("it holds no certificate of its private key")
	}
	for len(chain) <= len(all) {
		last := chain[len(chain)-1]
		issuer := issuerOf(last, all)
		if issuer == nil || issuer.Equal(last) {
			break
		}
		chain = append(chain, issuer)
	}
	return chain, nil
}

func issuerOf(c *x509.Certificate, all []*x509.Certificate) *x509.Certificate {
	for _, other := range all {
		if bytes.Equal(other.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(other) == nil {
			return other
		}
	}
	return nil
}

func pkcs12Trusted(store []byte, password string) (string, error) {
	trusted, err := pkcs12.DecodeTrustStore(store, password)
	switch {
	case err == nil && len(trusted) == 0:
		return "", errors.New("it holds no certificate to trust")
	case err == nil:
		return encode(trusted...), nil
	case strings.Contains(err.Error(), "not marked as trusted"):
		return "", errors.New("its certificates are not marked as trusted, so Java sees none of them: " +
			"OpenSSL does not mark them; import them with keytool -importcert -trustcacerts, or use the type PEM")
	case strings.Contains(err.Error(), "items in the authenticated safe"), strings.Contains(err.Error(), "expected only certificate bags"):
		return "", errors.New("it holds a private key as well, and is not supported as a trust store: give the trusted certificates " +
			"a store of their own, or convert it: keytool -importkeystore -deststoretype JKS …")
	}
	return "", pkcs12Fault(err)
}

// pkcs12Fault puts what the library says into gantry's words.
func pkcs12Fault(err error) error {
	text := strings.TrimPrefix(err.Error(), "pkcs12: ")
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return errPassword
	case strings.Contains(text, "no MAC in data"):
		return errors.New("it has a password and no checksum, which is not supported")
	case strings.Contains(text, "exactly one key bag"):
		return errors.New("it holds more than one private key, and Java takes the one it meets first; keep one in it")
	case strings.Contains(text, "private key missing"), strings.Contains(text, "certificate missing"):
		return errors.New("it holds no private key with its certificate")
	}
	return fmt.Errorf("it can't be read as PKCS#12: %s", text)
}
