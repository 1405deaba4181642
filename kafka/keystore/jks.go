package keystore

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
)

// JKS is Sun's own form, as sun.security.provider.JavaKeyStore writes it: a header, the
// entries, and a SHA-1 sum of the password and all before.
const jksMagic = 0xfeedfeed

func isJKS(store []byte) bool {
	return len(store) >= 4 && binary.BigEndian.Uint32(store) == jksMagic
}

// jksEntry is a private key with its chain, or one trusted certificate.
type jksEntry struct {
	alias string
	key   []byte // EncryptedPrivateKeyInfo; nil for a trusted certificate
	chain [][]byte
}

var errPassword = errors.New("its password is wrong, or it is damaged")

func jksTrusted(store []byte, password string) (string, error) {
	entries, err := readJKS(store, password)
	if err != nil {
		return "", err
	}
	var trusted []*x509.Certificate
	for _, e := range entries {
		if len(e.chain) == 0 {
			continue
		}
		c, err := x509.ParseCertificate(e.chain[0]) // of a key Java trusts the owner's certificate
		if err != nil {
			return "", fmt.Errorf("read certificate %s: %w", e.alias, err)
		}
		trusted = append(trusted, c)
	}
	if len(trusted) == 0 {
		return "", errors.New("it holds no certificate to trust")
	}
	return encode(trusted...), nil
}

func jksIdentity(store []byte, p Passwords) (Pair, error) {
	entries, err := readJKS(store, p.Store)
	if err != nil {
		return Pair{}, err
	}
	entries = slices.DeleteFunc(entries, func(e jksEntry) bool { return e.key == nil })
	var aliases []string
	for _, e := range entries {
		aliases = append(aliases, e.alias)
	}
	slices.Sort(aliases)
	if err := only(aliases); err != nil {
		return Pair{}, err
	}
	password := p.Key
	if password == "" {
		password = p.Store
	}
	key, err := openJKSKey(entries[0].key, password)
	if err != nil {
		return Pair{}, fmt.Errorf("open key %s: %w", aliases[0], err)
	}
	var chain []*x509.Certificate
	for _, der := range entries[0].chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return Pair{}, fmt.Errorf("read the certificate of key %s: %w", aliases[0], err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return Pair{}, fmt.Errorf("key %s has no certificate", aliases[0])
	}
	return Pair{Chain: encode(chain...), Key: encodeKey(key)}, nil
}

// readJKS reads the entries, and checks the sum where there is a password.
func readJKS(store []byte, password string) ([]jksEntry, error) {
	const header = 12
	if len(store) < header+sha1.Size {
		return nil, errors.New("it is cut short")
	}
	body, sum := store[:len(store)-sha1.Size], store[len(store)-sha1.Size:]
	if password != "" {
		h := sha1.New()
		h.Write(javaChars(password))
		h.Write([]byte("Mighty Aphrodite"))
		h.Write(body)
		if subtle.ConstantTimeCompare(h.Sum(nil), sum) != 1 {
			return nil, errPassword
		}
	}
	r := &jksReader{rest: body[4:]}
	version, count := r.number(4), r.number(4)
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("its version %d is not known", version)
	}
	var entries []jksEntry
	for range count {
		if entries = append(entries, r.entry(version)); r.err != nil {
			return nil, r.err
		}
	}
	if len(r.rest) > 0 {
		return nil, errors.New("there is something behind its last entry")
	}
	return entries, nil
}

// jksReader keeps the first error; after it everything is empty.
type jksReader struct {
	rest []byte
	err  error
}

func (r *jksReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.err, r.rest = errors.New("it is cut short"), nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *jksReader) number(size uint64) uint64 {
	var n uint64
	for _, b := range r.bytes(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (r *jksReader) text() string { return string(r.bytes(r.number(2))) }

func (r *jksReader) entry(version uint64) jksEntry {
	const private, trusted = 1, 2
	tag := r.number(4)
	e := jksEntry{alias: r.text()}
	r.number(8) // when it was made
	switch {
	case r.err != nil:
	case tag == trusted:
		e.chain = [][]byte{r.certificate(version)}
	case tag == private:
		e.key = bytes.Clone(r.bytes(r.number(4)))
		for range r.number(4) {
			e.chain = append(e.chain, r.certificate(version))
			if r.err != nil {
				break
			}
		}
	default:
		r.err = fmt.Errorf("entry %q is of a kind that is not known (%d)", e.alias, tag)
	}
	return e
}

func (r *jksReader) certificate(version uint64) []byte {
	if version == 2 {
		if kind := r.text(); r.err == nil && kind != "X.509" {
			r.err = fmt.Errorf("it holds a certificate of type %q; X.509 is supported", kind)
		}
	}
	return r.bytes(r.number(4))
}

// javaChars are a password's chars as Java hashes them: two bytes each.
func javaChars(password string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return b
}

// openJKSKey undoes sun.security.provider.KeyProtector: a salt, the key XORed with a
// chain of SHA-1 sums, and a sum to check it by. What comes out is PKCS#8.
func openJKSKey(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, errors.New("it can't be read")
	}
	if oid := info.Algorithm.Algorithm.String(); oid != "1.3.6.1.4.1.42.2.17.1.1" {
		return nil, fmt.Errorf("its encryption (%s) is not Sun's own", oid)
	}
	if len(info.Data) < 2*sha1.Size {
		return nil, errors.New("it is cut short")
	}
	secret := javaChars(password)
	digest, rest := info.Data[:sha1.Size], info.Data[sha1.Size:]
	plain, check := bytes.Clone(rest[:len(rest)-sha1.Size]), rest[len(rest)-sha1.Size:]
	for at := 0; at < len(plain); at += sha1.Size {
		sum := sha1.Sum(slices.Concat(secret, digest))
		digest = sum[:]
		subtle.XORBytes(plain[at:], plain[at:], digest[:min(sha1.Size, len(plain)-at)])
	}
	sum := sha1.Sum(slices.Concat(secret, plain))
	if subtle.ConstantTimeCompare(sum[:], check) != 1 {
		return nil, errors.New("its password is wrong")
	}
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errors.New("it is no key that can be used")
	}
	return plain, nil
}
