package kafka

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// assertion is a JWT by which a client asks for a token instead of showing a secret
// (RFC 7523, 3).
type assertion struct {
	key             crypto.Signer
	keyID           string // "" = none
	issuer, subject string
	audience        string
	lifetime        time.Duration
}

// backdated is how far an assertion's nbf lies in the past, as Kafka's own client has it:
// the endpoint's clock may be behind.
const backdated = time.Minute

// sign makes an assertion that begins now.
func (a assertion) sign() (string, error) {
	method, err := signingMethod(a.key)
	if err != nil {
		return "", err
	}
	now := time.Now()
	t := jwt.NewWithClaims(method, jwt.RegisteredClaims{
		Issuer: a.issuer, Subject: a.subject, Audience: jwt.ClaimStrings{a.audience}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-backdated)), ExpiresAt: jwt.NewNumericDate(now.Add(a.lifetime)),
	})
	if a.keyID != "" {
		t.Header["kid"] = a.keyID
	}
	return t.SignedString(a.key)
}

func signingMethod(key crypto.Signer) (jwt.SigningMethod, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return jwt.SigningMethodRS256, nil
	case *ecdsa.PrivateKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return jwt.SigningMethodES256, nil
		case 384:
			return jwt.SigningMethodES384, nil
		}
	case ed25519.PrivateKey:
		return jwt.SigningMethodEdDSA, nil
	}
	return nil, fmt.Errorf("a key of this kind (%T) signs no assertion; want RSA, EC P-256, EC P-384 or Ed25519", key)
}

// signingKey reads a PEM key, decrypted with password where it is encrypted.
func signingKey(text, password string) (crypto.Signer, error) {
	opened, err := openKey(text, password)
	if err != nil {
		return nil, fmt.Errorf("%w: private key: %w", ErrCertificate, err)
	}
	key, err := parseKey(opened)
	if err == nil {
		_, err = signingMethod(key)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: private key: %w", ErrCertificate, err)
	}
	return key, nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of this kind (%T) does not sign", key)
	}
	return signer, nil
}
