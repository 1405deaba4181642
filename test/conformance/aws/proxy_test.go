package aws_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// opener is a company's proxy: it asks for a password, opens TLS with certificates of its
// own CA, reads what goes through, and sends it on, here all to one server.
type opener struct {
	to   *url.URL
	auth string // what Proxy-Authorization must say; "" = anything
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey

	mu       sync.Mutex
	requests []request
	refused  int
}

// request is what the proxy saw: whose host, and the form or headers of the call.
type request struct {
	Host, Body string
	Header     http.Header
}

// open starts the proxy on loopback and gives its address, and the file of its CA.
func open(t *testing.T, to, user, password string) (*opener, string, string) {
	t.Helper()
	target, err := url.Parse(to)
	require.NoError(t, err)
	p := &opener{to: target}
	if user != "" {
		p.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A company's own CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &p.key.PublicKey, p.key)
	require.NoError(t, err)
	p.ca, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p, l.Addr().String(), caFile
}

func (p *opener) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if p.auth != "" && r.Header.Get("Proxy-Authorization") != p.auth {
		p.mu.Lock()
		p.refused++
		p.mu.Unlock()
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
		return
	}
	if r.Method != http.MethodConnect {
		_, _ = io.WriteString(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	inner := tls.Server(c, &tls.Config{GetCertificate: p.certificate})
	through := bufio.NewReader(inner)
	for {
		r, err := http.ReadRequest(through)
		if err != nil {
			return
		}
		if p.forward(inner, r) != nil {
			return
		}
	}
}

// forward sends one request on, under the host it was meant for.
func (p *opener) forward(to io.Writer, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.requests = append(p.requests, request{r.Host, string(body), r.Header})
	p.mu.Unlock()
	r.URL.Scheme, r.URL.Host, r.RequestURI = p.to.Scheme, p.to.Host, ""
	r.Body = io.NopCloser(bytes.NewReader(body))
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return res.Write(to)
}

func (p *opener) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{hello.ServerName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, p.ca, &p.key.PublicKey, p.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, err
}

// hosts lists the hosts that were asked for something, each once.
func (p *opener) hosts() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, r := range p.requests {
		if len(all) == 0 || all[len(all)-1] != r.Host {
			all = append(all, r.Host)
		}
	}
	return strings.Join(all, " ")
}

func (p *opener) sent(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if strings.Contains(r.Body, text) {
			return true
		}
	}
	return false
}
