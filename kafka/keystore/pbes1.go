package keystore

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
)

// AWS takes encrypted keys in PBES1 alone (Lambda's guide, kafka-cluster-auth), so keys
// that work there are in it; no library for PKCS#8 reads it. Weak as its ciphers are,
// they only have to be undone here: nothing is ever written in them.

// scheme is one way of PBES1: how key and IV are derived, and what undoes the cipher.
type scheme struct {
	derive func(password string, salt []byte, rounds int) (key, iv []byte)
	open   func(key, iv, data []byte) ([]byte, error)
}

func schemes(oid asn1.ObjectIdentifier) (scheme, bool) {
	twoKeys := func(key []byte) (cipher.Block, error) {
		return des.NewTripleDESCipher(append(slices.Clone(key), key[:8]...))
	}
	s, ok := map[string]scheme{
		"1.2.840.113549.1.5.3":    {pbkdf1(md5.New), cbc(des.NewCipher)},        // pbeWithMD5AndDES-CBC
		"1.2.840.113549.1.5.6":    {pbkdf1(md5.New), cbc(newRC2(64))},           // pbeWithMD5AndRC2-CBC
		"1.2.840.113549.1.5.10":   {pbkdf1(sha1.New), cbc(des.NewCipher)},       // pbeWithSHA1AndDES-CBC
		"1.2.840.113549.1.5.11":   {pbkdf1(sha1.New), cbc(newRC2(64))},          // pbeWithSHA1AndRC2-CBC
		"1.2.840.113549.1.12.1.1": {pkcs12Key(16), openRC4},                     // pbeWithSHAAnd128BitRC4
		"1.2.840.113549.1.12.1.2": {pkcs12Key(5), openRC4},                      // pbeWithSHAAnd40BitRC4
		"1.2.840.113549.1.12.1.3": {pkcs12Key(24), cbc(des.NewTripleDESCipher)}, // pbeWithSHAAnd3-KeyTripleDES-CBC
		"1.2.840.113549.1.12.1.4": {pkcs12Key(16), cbc(twoKeys)},                // pbeWithSHAAnd2-KeyTripleDES-CBC
		"1.2.840.113549.1.12.1.5": {pkcs12Key(16), cbc(newRC2(128))},            // pbeWithSHAAnd128BitRC2-CBC
		"1.2.840.113549.1.12.1.6": {pkcs12Key(5), cbc(newRC2(40))},              // pbeWithSHAAnd40BitRC2-CBC
	}[oid.String()]
	return s, ok
}

func openPBES1(algorithm pkix.AlgorithmIdentifier, data []byte, password string) ([]byte, error) {
	s, ok := schemes(algorithm.Algorithm)
	if !ok {
		return nil, fmt.Errorf("its encryption (%s) is not supported; PBES1 without MD2 and PBES2 are: convert it with openssl pkcs8 -topk8 -v2 aes-256-cbc", algorithm.Algorithm)
	}
	var params struct {
		Salt   []byte
		Rounds int
	}
	if _, err := asn1.Unmarshal(algorithm.Parameters.FullBytes, &params); err != nil || params.Rounds < 1 || params.Rounds > mostRounds {
		return nil, errors.New("its encryption parameters are not readable")
	}
	key, iv := s.derive(password, params.Salt, params.Rounds)
	return s.open(key, iv, data)
}

func cbc(block func(key []byte) (cipher.Block, error)) func(key, iv, data []byte) ([]byte, error) {
	return func(key, iv, data []byte) ([]byte, error) {
		b, err := block(key)
		if err != nil {
			return nil, err
		}
		return unpad(cipher.NewCBCDecrypter(b, iv), data)
	}
}

func openRC4(key, _, data []byte) ([]byte, error) {
	c, err := rc4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(data))
	c.XORKeyStream(plain, data)
	return plain, nil
}

// pbkdf1 is RFC 8018, 5.1: eight bytes of key, eight of IV.
func pbkdf1(h func() hash.Hash) func(string, []byte, int) ([]byte, []byte) {
	return func(password string, salt []byte, rounds int) ([]byte, []byte) {
		sum := slices.Concat([]byte(password), salt)
		for range rounds {
			state := h()
			state.Write(sum)
			sum = state.Sum(nil)
		}
		return sum[:8], sum[8:16]
	}
}

func pkcs12Key(size int) func(password string, salt []byte, rounds int) (key, iv []byte) {
	return func(password string, salt []byte, rounds int) (key, iv []byte) {
		wide := append(javaChars(password), 0, 0) // BMPString with its closing zero
		return pkcs12KDF(1, wide, salt, rounds, size), pkcs12KDF(2, wide, salt, rounds, 8)
	}
}

// pkcs12KDF is RFC 7292, appendix B.2, with SHA-1.
func pkcs12KDF(purpose byte, password, salt []byte, rounds, size int) []byte {
	const v = sha1.BlockSize
	diversifier := slices.Repeat([]byte{purpose}, v)
	input := append(fill(salt, v), fill(password, v)...)
	var out []byte
	for {
		sum := sha1.Sum(append(slices.Clone(diversifier), input...))
		for range rounds - 1 {
			sum = sha1.Sum(sum[:])
		}
		if out = append(out, sum[:]...); len(out) >= size {
			return out[:size]
		}
		step := new(big.Int).SetBytes(fill(sum[:], v)[:v])
		step.Add(step, big.NewInt(1))
		modulus := new(big.Int).Lsh(big.NewInt(1), v*8)
		for at := 0; at < len(input); at += v {
			part := new(big.Int).SetBytes(input[at : at+v])
			part.Add(part, step).Mod(part, modulus).FillBytes(input[at : at+v])
		}
	}
}

// fill repeats b to a whole number of v-byte blocks.
func fill(b []byte, v int) []byte {
	if len(b) == 0 {
		return nil
	}
	size := (len(b) + v - 1) / v * v
	return slices.Repeat(b, size/len(b)+1)[:size]
}
