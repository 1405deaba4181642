package kafka

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"unicode/utf16"
)

// AWS takes encrypted keys in PBES1 alone (Lambda's guide, kafka-cluster-auth), so keys
// that work there are in it; no library for PKCS#8 reads it. Weak as its ciphers are,
// they only have to be undone here: nothing is ever written in them.

var errNotPBES1 = errors.New("the key is not encrypted with PBES1")

// scheme is one way of PBES1: how key and IV are derived and which cipher they are for.
type scheme struct {
	derive func(password string, salt []byte, rounds int) (key, iv []byte)
	cipher func(key []byte) (cipher.Block, error)
}

func schemes(oid asn1.ObjectIdentifier) (scheme, bool) {
	switch oid.String() {
	case "1.2.840.113549.1.5.3": // pbeWithMD5AndDES-CBC
		return scheme{pbkdf1(md5.New), des.NewCipher}, true
	case "1.2.840.113549.1.5.10": // pbeWithSHA1AndDES-CBC
		return scheme{pbkdf1(sha1.New), des.NewCipher}, true
	case "1.2.840.113549.1.12.1.3": // pbeWithSHAAnd3-KeyTripleDES-CBC
		return scheme{pkcs12Key, des.NewTripleDESCipher}, true
	}
	return scheme{}, false
}

// decryptPBES1 opens an EncryptedPrivateKeyInfo (RFC 5958) and gives the PKCS#8 key in it.
func decryptPBES1(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("it is no encrypted PKCS#8 key")
	}
	s, ok := schemes(info.Algorithm.Algorithm)
	if !ok {
		return nil, errNotPBES1
	}
	var params struct {
		Salt   []byte
		Rounds int
	}
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil || params.Rounds < 1 || params.Rounds > 10_000_000 {
		return nil, errors.New("its encryption parameters are not readable")
	}
	key, iv := s.derive(password, params.Salt, params.Rounds)
	block, err := s.cipher(key)
	if err != nil {
		return nil, err
	}
	if len(info.Data) == 0 || len(info.Data)%block.BlockSize() != 0 {
		return nil, errors.New("its encrypted part has no whole number of blocks")
	}
	plain := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.Data)
	if pad := int(plain[len(plain)-1]); pad >= 1 && pad <= block.BlockSize() {
		plain = plain[:len(plain)-pad]
	}
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, fmt.Errorf("its password is wrong, or what it holds is no PKCS#8 key")
	}
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

func pkcs12Key(password string, salt []byte, rounds int) (key, iv []byte) {
	var wide []byte // BMPString with its closing zero
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		wide = append(wide, byte(unit>>8), byte(unit))
	}
	return pkcs12KDF(1, wide, salt, rounds, 24), pkcs12KDF(2, wide, salt, rounds, 8)
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
