// Package keystore reads what Java and OpenSSL keep keys and certificates in: JKS and
// PKCS#12 stores, PEM in every form Kafka's clients take it, and private keys encrypted
// by PBES1, PBES2 or OpenSSL's own old way. It only reads; nothing is written in any of
// these forms.
//
// The flow: Identity and Trusted find out by its first bytes what a store is, and give
// what is in it as plain PEM, which is what crypto/tls and gantry's configuration speak.
// Invariants: what a store trusts is what Java would trust of it, never more; an error
// names entries and algorithms, never content.
package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Passwords open a store and the key in it. Key "" is the same as Store.
type Passwords struct{ Store, Key string }

// Pair is a certificate chain, the owner's first, and its private key, as PEM. The key is
// PKCS#8 and not encrypted.
type Pair struct{ Chain, Key string }

// Identity gives the one private key of a JKS or PKCS#12 store with its chain.
func Identity(store []byte, p Passwords) (Pair, error) {
	switch {
	case isJKS(store):
		return jksIdentity(store, p)
	case isDER(store):
		return pkcs12Identity(store, p)
	}
	return Pair{}, unknown(store)
}

// Trusted gives the certificates a JKS or PKCS#12 store trusts, as PEM. A JKS store can
// be read without a password: its checksum is left unchecked then, as Java leaves it.
func Trusted(store []byte, password string) (string, error) {
	switch {
	case isJKS(store):
		return jksTrusted(store, password)
	case isDER(store):
		return pkcs12Trusted(store, password)
	}
	return "", unknown(store)
}

// isDER tells a PKCS#12 store, which is one ASN.1 sequence.
func isDER(store []byte) bool { return len(store) > 2 && store[0] == 0x30 }

func unknown(store []byte) error {
	switch {
	case len(store) == 0:
		return errors.New("it is empty")
	case bytes.HasPrefix(store, []byte{0xce, 0xce, 0xce, 0xce}):
		return errors.New("it is of type JCEKS, which is not supported; convert it: keytool -importkeystore -srcstoretype JCEKS -deststoretype PKCS12 …")
	case bytes.Contains(store, []byte("-----BEGIN ")):
		return errors.New("it is PEM; say so with the type PEM")
	}
	return errors.New("it is neither a JKS nor a PKCS#12 store; Bouncy Castle's and other providers' types are not supported, " +
		"convert it: keytool -importkeystore -deststoretype PKCS12 …")
}

func encode(certificates ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range certificates {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Builder takes everything
	}
	return b.String()
}

func encodeKey(pkcs8 []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// only holds a store to one private key.
func only(aliases []string) error {
	switch len(aliases) {
	case 0:
		return errors.New("it holds no private key")
	case 1:
		return nil
	}
	return fmt.Errorf("it holds %d private keys (%s), and Java takes the one it meets first; keep one in it", len(aliases), strings.Join(aliases, ", "))
}
