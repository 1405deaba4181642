package network_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"gantry/network"
)

// vault is a place of secrets that counts what it is asked.
type vault struct {
	mu     sync.Mutex
	kept   map[string]string // what Plain gives until it is forgotten
	fresh  map[string]string
	forgot int
}

func (v *vault) Plain(_ context.Context, ref string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.kept[ref], nil
}

func (v *vault) Fields(ctx context.Context, ref string) (map[string]string, error) {
	text, _ := v.Plain(ctx, ref)
	name, word, _ := strings.Cut(text, ":")
	return map[string]string{"username": name, "password": word}, nil
}

func (v *vault) Forget(ref string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgot++
	v.kept[ref] = v.fresh[ref]
}

// connectProxy is an HTTP proxy as net/http has the pieces for it. It wants a login.
func connectProxy(t *testing.T, login string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(login)):
			w.WriteHeader(http.StatusProxyAuthRequired)
		case strings.HasPrefix(r.Host, "forbidden"):
			w.WriteHeader(http.StatusForbidden)
		default:
			far, err := net.Dial("tcp", r.Host)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			near, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			_, _ = io.Copy(near, far)
			_ = near.Close()
		}
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

// A login that was rotated is asked for again at once; one that is wrong is said.
func TestProxyLogins(t *testing.T) {
	t.Parallel()
	target, proxy := echo(t), connectProxy(t, "me:new")
	open := func(v *vault, address string) (net.Conn, error) {
		dial, err := network.New(network.Options{
			Entries: map[string]network.Config{"n": {Proxy: "http://" + proxy, ProxyLogin: "ref"}}, Secrets: v,
		}).Dial("n")
		require.NoError(t, err)
		return dial(t.Context(), "tcp", address)
	}
	v := &vault{kept: map[string]string{"ref": "me:old"}, fresh: map[string]string{"ref": "me:new"}}
	conn, err := open(v, target)
	require.NoError(t, err)
	require.Equal(t, 1, v.forgot)
	echoes(t, conn)
	for address, want := range map[string]string{"forbidden.example:1": "the proxy does not allow this target", "127.0.0.1:1": "the proxy could not make the connection"} {
		_, err = open(v, address)
		explained(t, err, want)
	}
	_, err = open(&vault{kept: map[string]string{"ref": "me:hunter2"}, fresh: map[string]string{"ref": "me:hunter2"}}, target)
	explained(t, err, "the proxy did not accept the login")
	require.NotContains(t, err.Error(), "hunter2")
}

func explained(t *testing.T, err error, cause string) {
	t.Helper()
	var e *network.Error
	require.ErrorAs(t, err, &e)
	said, try := e.Explain()
	require.Contains(t, said, cause, "%v", err)
	require.NotEmpty(t, try)
}

func echoes(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.WriteString(conn, "hello")
	require.NoError(t, err)
	back := make([]byte, 5)
	_, err = io.ReadFull(conn, back)
	require.NoError(t, err)
	require.Equal(t, "hello", string(back))
}

// sshd is an SSH server that opens channels to anywhere.
type sshd struct {
	address string
	host    ssh.Signer
	mu      sync.Mutex
	conns   []*ssh.ServerConn
}

func startSSH(t *testing.T, user ssh.PublicKey) *sshd {
	t.Helper()
	s := &sshd{host: key(t)}
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(user.Marshal()) {
			return nil, fmt.Errorf("not this key")
		}
		return nil, nil
	}}
	cfg.AddHostKey(s.host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s.address = l.Addr().String()
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(raw, cfg)
		}
	}()
	return s
}

func (s *sshd) serve(raw net.Conn, cfg *ssh.ServerConfig) {
	conn, channels, requests, err := ssh.NewServerConn(raw, cfg)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	go ssh.DiscardRequests(requests)
	for c := range channels {
		var to struct {
			Host string
			Port uint32
			From string
			At   uint32
		}
		_ = ssh.Unmarshal(c.ExtraData(), &to)
		far, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
		if err != nil {
			_ = c.Reject(ssh.ConnectionFailed, err.Error())
			continue
		}
		near, reqs, _ := c.Accept()
		go ssh.DiscardRequests(reqs)
		go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
		go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
	}
}

func (s *sshd) cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	return len(s.conns)
}

func key(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return signer
}

// userKey gives a key and its PEM, encrypted when there is a passphrase.
func userKey(t *testing.T, passphrase string) (ssh.PublicKey, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	require.NoError(t, err)
	parsed, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return parsed, string(pem.EncodeToMemory(block))
}

func knownHosts(t *testing.T, address string, k ssh.PublicKey) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	path := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(path, []byte("["+host+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(k))), 0o600))
	return path
}

func TestJumpHost(t *testing.T) {
	t.Parallel()
	target := echo(t)
	public, text := userKey(t, "open sesame")
	s := startSSH(t, public)
	n := network.New(network.Options{
		Secrets: &vault{kept: map[string]string{"key": text, "pass": "open sesame"}},
		Entries: map[string]network.Config{"n": {Jump: &network.Jump{
			Host: s.address, User: "u", Key: "key", KeyPassphrase: "pass", KnownHosts: knownHosts(t, s.address, s.host.PublicKey()),
		}}},
	})
	t.Cleanup(func() { _ = n.Close() })
	dial, err := n.Dial("n")
	require.NoError(t, err)
	first, err := dial(t.Context(), "tcp", target)
	require.NoError(t, err)
	echoes(t, first)
	second, err := dial(t.Context(), "tcp", target)
	require.NoError(t, err)
	require.NoError(t, second.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = second.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Equal(t, 1, s.cut(), "one connection carries all")
	_, err = first.Read(make([]byte, 1))
	require.Error(t, err)
	again, err := dial(t.Context(), "tcp", target)
	require.NoError(t, err, "a connection that is lost is made again")
	echoes(t, again)
	_, err = dial(t.Context(), "tcp", "127.0.0.1:1")
	explained(t, err, "the jump host could not reach the target")
}

func TestJumpHostRefused(t *testing.T) {
	t.Parallel()
	public, text := userKey(t, "")
	_, other := userKey(t, "")
	s := startSSH(t, public)
	right := knownHosts(t, s.address, s.host.PublicKey())
	for _, c := range []struct{ key, known, want string }{
		{text, knownHosts(t, s.address, key(t).PublicKey()), "showed another key than known_hosts has"},
		{text, knownHosts(t, "10.0.0.1:22", s.host.PublicKey()), "key is not in known_hosts"},
		{text, "/nowhere/known_hosts", "known_hosts could not be read"},
		{other, right, "did not accept user and key"},
		{"hunter2", right, "the key for the jump host could not be read"},
	} {
		v := &vault{kept: map[string]string{"key": c.key}, fresh: map[string]string{"key": c.key}}
		dial, err := network.New(network.Options{Secrets: v, Entries: map[string]network.Config{
			"n": {Jump: &network.Jump{Host: s.address, User: "u", Key: "key", KnownHosts: c.known}},
		}}).Dial("n")
		require.NoError(t, err)
		_, err = dial(t.Context(), "tcp", "127.0.0.1:1")
		explained(t, err, c.want)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
