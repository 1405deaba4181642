package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

var errWrongKeyPassword = errors.New("its password is wrong, or what it holds is no private key")

const mostRounds = 10_000_000 // a key that asks for more is a mistake or a trap

// decrypt opens an EncryptedPrivateKeyInfo (RFC 5958) and gives the PKCS#8 key in it.
func decrypt(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("it is no encrypted PKCS#8 key")
	}
	open := openPBES1
	if info.Algorithm.Algorithm.String() == "1.2.840.113549.1.5.13" {
		open = openPBES2
	}
	plain, err := open(info.Algorithm, info.Data, password)
	if err != nil {
		return nil, err
	}
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errWrongKeyPassword
	}
	return plain, nil
}

// openPBES2 is RFC 8018, 6.2: any key derivation with any cipher.
func openPBES2(algorithm pkix.AlgorithmIdentifier, data []byte, password string) ([]byte, error) {
	var params struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, errors.New("its encryption parameters are not readable")
	}
	size, block, err := pbes2Cipher(params.Cipher.Algorithm)
	if err != nil {
		return nil, err
	}
	key, err := derive(params.KDF, password, size)
	if err != nil {
		return nil, err
	}
	b, err := block(key)
	if err != nil {
		return nil, err
	}
	iv := params.Cipher.Parameters.Bytes
	if len(iv) != b.BlockSize() {
		return nil, errors.New("its encryption parameters are not readable")
	}
	return unpad(cipher.NewCBCDecrypter(b, iv), data)
}

func pbes2Cipher(oid asn1.ObjectIdentifier) (keySize int, block func([]byte) (cipher.Block, error), err error) {
	switch oid.String() {
	case "2.16.840.1.101.3.4.1.2":
		return 16, aes.NewCipher, nil
	case "2.16.840.1.101.3.4.1.22":
		return 24, aes.NewCipher, nil
	case "2.16.840.1.101.3.4.1.42":
		return 32, aes.NewCipher, nil
	case "1.2.840.113549.3.7":
		return 24, des.NewTripleDESCipher, nil
	case "1.3.14.3.2.7":
		return 8, des.NewCipher, nil
	}
	return 0, nil, fmt.Errorf("its cipher (%s) is not supported; AES and DES in CBC are: convert it with openssl pkcs8 -topk8 -v2 aes-256-cbc", oid)
}

func derive(kdf pkix.AlgorithmIdentifier, password string, size int) ([]byte, error) {
	unreadable := errors.New("its encryption parameters are not readable")
	switch kdf.Algorithm.String() {
	case "1.2.840.113549.1.5.12": // PBKDF2
		var p struct {
			Salt   []byte
			Rounds int
			Size   int                      `asn1:"optional"`
			PRF    pkix.AlgorithmIdentifier `asn1:"optional"`
		}
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil || p.Rounds < 1 || p.Rounds > mostRounds || (p.Size != 0 && p.Size != size) {
			return nil, unreadable
		}
		h, err := prf(p.PRF.Algorithm)
		if err != nil {
			return nil, err
		}
		return pbkdf2.Key(h, password, p.Salt, p.Rounds, size)
	case "1.3.6.1.4.1.11591.4.11": // scrypt, RFC 7914
		var p struct {
			Salt    []byte
			N, R, P int
			Size    int `asn1:"optional"`
		}
		const most = 1 << 20 // of N; with r = 8 that is 1 GiB
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil || p.N > most || p.R < 1 || p.R > 8 || p.P < 1 || p.P > 16 {
			return nil, unreadable
		}
		return scrypt.Key([]byte(password), p.Salt, p.N, p.R, p.P, size)
	}
	return nil, fmt.Errorf("its key derivation (%s) is not supported; PBKDF2 and scrypt are", kdf.Algorithm)
}

func prf(oid asn1.ObjectIdentifier) (func() hash.Hash, error) {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.8":
		return sha256.New224, nil
	case "1.2.840.113549.2.9":
		return sha256.New, nil
	case "1.2.840.113549.2.10":
		return sha512.New384, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("its key derivation (HMAC %s) is not supported; SHA-1 and SHA-2 are", oid)
}

// unpad decrypts in CBC and takes the padding off. A wrong password shows later, when
// what came out is no key.
func unpad(mode cipher.BlockMode, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%mode.BlockSize() != 0 {
		return nil, errors.New("its encrypted part has no whole number of blocks")
	}
	plain := make([]byte, len(data))
	mode.CryptBlocks(plain, data)
	if pad := int(plain[len(plain)-1]); pad >= 1 && pad <= mode.BlockSize() {
		plain = plain[:len(plain)-pad]
	}
	return plain, nil
}
