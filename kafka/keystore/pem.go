package keystore

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// block is one PEM block, however its lines were broken or joined.
var block = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END ([A-Z0-9 ]+)-----`)

// Tidy gives the blocks of a PEM text in the form everything reads: in a properties file
// PEM is one value, whose line breaks became blanks or were left out. A block with headers
// is given as it is: they need their lines.
func Tidy(text string) string {
	var b strings.Builder
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[2], ":") {
			b.WriteString(m[0] + "\n")
			continue
		}
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[2]), ""))
		if m[1] != m[3] || err != nil {
			continue
		}
		_ = pem.Encode(&b, &pem.Block{Type: m[1], Bytes: der}) // a Builder takes everything
	}
	return b.String()
}

// OpenKey finds the first private key of a PEM text and gives it without encryption, as
// PEM: PKCS#8, PKCS#1 or SEC 1, encrypted by PBES1, PBES2 or OpenSSL's old way (RFC 1421).
func OpenKey(text, password string) ([]byte, error) {
	rest := []byte(text)
	for {
		var b *pem.Block
		b, rest = pem.Decode(rest)
		switch {
		case b == nil:
			return nil, errors.New("it holds no PEM key; want -----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----")
		case !strings.HasSuffix(b.Type, "PRIVATE KEY"):
			continue
		case password == "" && (b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != ""):
			return nil, errors.New("it is encrypted and there is no password for it (privateKeyPassword)")
		case b.Type == "ENCRYPTED PRIVATE KEY":
			plain, err := decrypt(b.Bytes, password)
			return []byte(encodeKey(plain)), err
		case b.Headers["DEK-Info"] != "":
			return openTraditional(b, password)
		}
		return pem.EncodeToMemory(b), nil
	}
}

// openTraditional undoes `openssl rsa -aes256` and `openssl ec -des3`. The form has no
// checksum: that the key can be parsed shows that the password was right.
func openTraditional(b *pem.Block, password string) ([]byte, error) {
	der, err := x509.DecryptPEMBlock(b, []byte(password)) //nolint:staticcheck // deprecated for writing; such keys are there and must be read
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, errWrongKeyPassword
	}
	if err != nil {
		return nil, fmt.Errorf("its encryption can't be undone: %s", strings.TrimPrefix(err.Error(), "x509: "))
	}
	_, err1 := x509.ParsePKCS1PrivateKey(der)
	_, err2 := x509.ParseECPrivateKey(der)
	_, err3 := x509.ParsePKCS8PrivateKey(der)
	if err1 != nil && err2 != nil && err3 != nil {
		return nil, errWrongKeyPassword
	}
	return pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: der}), nil
}
