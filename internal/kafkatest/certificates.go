package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/youmark/pkcs8"
)

// KeyPassword opens Certificates.EncryptedKey.
const KeyPassword = "key-secret"

// PEM is a PEM document, as a file and as its content.
type PEM struct {
	File  string
	Bytes []byte
}

// Certificates are made anew for each cluster.
type Certificates struct {
	CA                   PEM // signed the brokers' certificate and the client's
	Client, Key          PEM // CN=gantry: the mTLS listener sees User:gantry
	EncryptedKey         PEM // Key as encrypted PKCS#8, opened by KeyPassword
	UntrustedCA          PEM // signed nothing the brokers show or accept
	Stranger, StrangeKey PEM // a client's certificate of UntrustedCA

	serverFile string // key and certificate in one file, as Kafka wants it
	trustFile  string // whose client certificates the brokers accept
}

// ClientConfig trusts the brokers and shows no certificate.
func (c *Certificates) ClientConfig() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA.Bytes)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// MutualConfig trusts the brokers and shows the client's certificate.
func (c *Certificates) MutualConfig() *tls.Config {
	cfg := c.ClientConfig()
	pair, err := tls.X509KeyPair(c.Client.Bytes, c.Key.Bytes)
	if err != nil {
		panic(fmt.Sprintf("kafkatest made a key that does not fit its certificate: %v", err))
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg
}

func makeCertificates(dir, name string) (*Certificates, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m := &mint{dir: dir, name: name}
	ca, stranger := m.authority("Test CA"), m.authority("Untrusted CA")
	server := m.issue(ca, "localhost")
	client, outsider := m.issue(ca, UserName), m.issue(stranger, UserName)
	c := &Certificates{
		CA: m.save("ca.pem", ca.cert), UntrustedCA: m.save("untrusted-ca.pem", stranger.cert),
		Client: m.save("client.pem", client.cert), Key: m.save("client.key", client.key),
		EncryptedKey: m.save("client-encrypted.key", m.encrypt(client)),
		Stranger:     m.save("stranger.pem", outsider.cert), StrangeKey: m.save("stranger.key", outsider.key),
		trustFile:  m.save("trusted.pem", ca.cert).File,
		serverFile: m.save("server.pem", slices.Concat(server.key, server.cert)).File,
	}
	if m.err != nil {
		return nil, fmt.Errorf("make certificates: %w", m.err)
	}
	return c, nil
}

// RotateClientCA makes the brokers, when they start again, accept client certificates of
// a new authority alone, and gives such a certificate. What brokers show stays.
func (c *Certificates) RotateClientCA() (client, key PEM, err error) {
	m := &mint{dir: filepath.Dir(c.CA.File)}
	ca := m.authority("Next CA")
	next := m.issue(ca, UserName)
	client, key = m.save("next.pem", next.cert), m.save("next.key", next.key)
	m.save(filepath.Base(c.trustFile), ca.cert)
	return client, key, m.err
}

// mint makes certificates and keeps the first error.
type mint struct {
	dir    string
	name   string // of the machine that the brokers run on
	serial int64
	err    error
}

type issued struct {
	template  *x509.Certificate
	private   *ecdsa.PrivateKey
	cert, key []byte // PEM
}

func (m *mint) authority(name string) *issued {
	a := m.draw(name)
	a.template.IsCA, a.template.BasicConstraintsValid = true, true
	a.template.KeyUsage = x509.KeyUsageCertSign
	m.sign(a, a)
	return a
}

func (m *mint) issue(by *issued, name string) *issued {
	a := m.draw(name)
	a.template.KeyUsage = x509.KeyUsageDigitalSignature
	a.template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	a.template.DNSNames = []string{"localhost", m.name}
	a.template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	m.sign(a, by)
	return a
}

func (m *mint) draw(name string) *issued {
	m.serial++
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.note(err)
	return &issued{private: key, template: &x509.Certificate{
		SerialNumber: big.NewInt(m.serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
	}}
}

func (m *mint) sign(a, by *issued) {
	if m.err != nil {
		return
	}
	der, err := x509.CreateCertificate(rand.Reader, a.template, by.template, &a.private.PublicKey, by.private)
	m.note(err)
	a.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private, err := x509.MarshalPKCS8PrivateKey(a.private)
	m.note(err)
	a.key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func (m *mint) encrypt(a *issued) []byte {
	if m.err != nil {
		return nil
	}
	der, err := pkcs8.ConvertPrivateKeyToPKCS8(a.private, []byte(KeyPassword))
	m.note(err)
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

func (m *mint) save(name string, content []byte) PEM {
	p := PEM{File: filepath.Join(m.dir, name), Bytes: content}
	m.note(os.WriteFile(p.File, content, 0o600))
	return p
}

func (m *mint) note(err error) {
	if m.err == nil {
		m.err = err
	}
}
