package databasetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Certificate gives files with a certificate for 127.0.0.1 that signs itself and its key,
// which a server's user may read and nobody else, and the certificate as PEM.
func Certificate(t testing.TB, owner string) (cert, key string, ca []byte) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "database"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, text := range map[string][]byte{cert: ca, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		give(t, owner, file)
	}
	as(t, owner, dir) // it finds the way there
	return cert, key, ca
}

// give makes a file a server's user's, where servers run as users of their own.
func give(t testing.TB, owner, file string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup(owner)
	if err != nil {
		t.Skipf("the database has no user to run as: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid) // the system's own
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(file, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// Secrets resolves references from a map and keeps what it read until it is forgotten.
type Secrets struct {
	Now  map[string]string
	kept map[string]string
}

// Secret gives the value of a reference, as it was when it was read first.
func (s *Secrets) Secret(ref string) string {
	if _, kept := s.kept[ref]; !kept {
		if s.kept == nil {
			s.kept = map[string]string{}
		}
		s.kept[ref] = s.Now[ref]
	}
	return s.kept[ref]
}

// Forget has a reference read anew.
func (s *Secrets) Forget(ref string) { delete(s.kept, ref) }
