package secret_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/secret"
)

// mount lays a secret out as the kubelet does: keys are links through ..data to a folder
// of one state.
func mount(t *testing.T, dir, state string, keys map[string]string) {
	t.Helper()
	at := filepath.Join(dir, "..state-"+state)
	require.NoError(t, os.MkdirAll(at, 0o700))
	for key, value := range keys {
		require.NoError(t, os.WriteFile(filepath.Join(at, key), []byte(value), 0o600))
		if _, err := os.Lstat(filepath.Join(dir, key)); err != nil {
			require.NoError(t, os.Symlink(filepath.Join("..data", key), filepath.Join(dir, key)))
		}
	}
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	require.NoError(t, os.Symlink(filepath.Base(at), filepath.Join(dir, "..data_tmp")))
	require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if old != "" {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, old)))
	}
}

func kubernetes(dir string, expiry time.Duration) *secret.Resolver {
	return secret.New(secret.Options{Rules: secret.Config{{Prefix: "k8s:", From: secret.From{Kubernetes: dir}, Expiry: expiry}}})
}

func TestMountedSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "kafka"), 0o700))
	mount(t, filepath.Join(dir, "kafka"), "1", map[string]string{"username": "u", "password": "one\n", "tls.crt": "CRT", "tls.key": "KEY"})
	r := kubernetes(dir, 0)
	fields, err := r.Fields(t.Context(), "k8s:kafka")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"username": "u", "password": "one", "tls.crt": "CRT", "tls.key": "KEY", "certificate": "CRT", "privateKey": "KEY"}, fields)
	one, err := r.Plain(t.Context(), "k8s:kafka/password")
	require.NoError(t, err)
	require.Equal(t, "one", one)

	mount(t, filepath.Join(dir, "kafka"), "2", map[string]string{"username": "u", "password": "two"})
	fields, err = r.Fields(t.Context(), "k8s:kafka")
	require.NoError(t, err)
	require.Equal(t, "one", fields["password"], "it has not expired")
	r.Forget("k8s:kafka")
	fields, err = r.Fields(t.Context(), "k8s:kafka")
	require.NoError(t, err)
	require.Equal(t, "two", fields["password"])

	for _, ref := range []string{"k8s:../kafka", "k8s:gone", "k8s:kafka/gone", "k8s:/etc/passwd"} {
		_, err := r.Get(t.Context(), ref)
		require.Error(t, err, ref)
	}
}

// A secret that is swapped all the time is never seen half old and half new.
func TestAMountedSecretIsReadAsOneState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filepath.Join(dir, "kafka")
	require.NoError(t, os.Mkdir(at, 0o700))
	keys := func(v string) map[string]string { return map[string]string{"a": v, "b": v, "c": v, "d": v} }
	mount(t, at, "0", keys("0"))
	stop, swapping := make(chan struct{}), sync.WaitGroup{}
	swapping.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
				mount(t, at, string(rune('A'+i%26)), keys(string(rune('A'+i%26))))
			}
		}
	})
	r := kubernetes(dir, time.Nanosecond)
	whole := 0
	for range 300 {
		fields, err := r.Fields(t.Context(), "k8s:kafka")
		if err != nil {
			continue // swapped each time it was read: the next attempt reads it
		}
		require.Equal(t, keys(fields["a"]), fields)
		whole++
	}
	close(stop)
	swapping.Wait()
	require.Positive(t, whole)
}

func TestARuleHasItsOwnExpiry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "pw")
		require.NoError(t, os.WriteFile(path, []byte("one"), 0o600))
		r := secret.New(secret.Options{Rules: secret.Config{{Prefix: "s:", From: secret.From{Dir: dir}, Expiry: time.Minute}}})
		plain := func() string {
			v, err := r.Plain(t.Context(), "s:pw")
			require.NoError(t, err)
			return v
		}
		require.Equal(t, "one", plain())
		require.NoError(t, os.WriteFile(path, []byte("two"), 0o600))
		time.Sleep(time.Minute - time.Nanosecond)
		require.Equal(t, "one", plain())
		time.Sleep(time.Nanosecond)
		require.Equal(t, "two", plain())
	})
}

// bao answers as Vault's API does, as far as its documentation says.
type bao struct {
	*httptest.Server
	mu      sync.Mutex
	tokens  map[string]bool
	secrets map[string]any // path → data
	logins  int
	asked   []*http.Request
}

func newBao(t *testing.T) *bao {
	b := &bao{tokens: map[string]bool{"root": true}, secrets: map[string]any{}}
	b.Server = httptest.NewTLSServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bao) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r.Clone(r.Context()))
	answer := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var in map[string]string
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch {
	case r.URL.Path == "/v1/auth/approle/login" && in["role_id"] == "r" && in["secret_id"] == "s",
		r.URL.Path == "/v1/auth/kube/login" && in["role"] == "gantry" && in["jwt"] == "jwt":
		b.logins++
		token := "t" + string(rune('0'+b.logins))
		b.tokens[token] = true
		answer(200, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": 60}})
	case r.Method == http.MethodPost:
		answer(400, map[string]any{"errors": []string{"invalid role or secret ID"}})
	case !b.tokens[r.Header.Get("X-Vault-Token")]:
		answer(403, map[string]any{"errors": []string{"permission denied"}})
	case b.secrets[r.URL.Path] == nil:
		answer(404, map[string]any{"errors": []string{}})
	default:
		answer(200, map[string]any{"data": b.secrets[r.URL.Path]})
	}
}

func (b *bao) put(path string, data any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets[path] = data
}

func v2(fields map[string]string) any {
	return map[string]any{"data": fields, "metadata": map[string]any{"version": 1}}
}

func (b *bao) resolver(t *testing.T, cfg secret.Vault) *secret.Resolver {
	cfg.Address, cfg.CA = b.URL, "env:CA"
	rules := secret.Config{{Prefix: "vault:", From: secret.From{Vault: &cfg}}}
	require.NoError(t, rules.Validate())
	return secret.New(secret.Options{Rules: rules, LookupEnv: func(name string) (string, bool) {
		v, ok := map[string]string{"CA": pemOf(b.Certificate().Raw), "TOKEN": "root", "ROLE": "r", "SECRET": "s", "JWT": "jwt", "BAD": "hunter2"}[name]
		return v, ok
	}})
}

func TestVault(t *testing.T) {
	t.Parallel()
	fields := map[string]string{"username": "u", "password": "p"}
	for name, c := range map[string]struct {
		cfg  secret.Vault
		path string
		data any
	}{
		"token, version 2":        {secret.Vault{Token: "env:TOKEN", Namespace: "team-a"}, "/v1/secret/data/kafka/user", v2(fields)},
		"approle, version 1":      {secret.Vault{AppRole: &secret.AppRole{RoleID: "env:ROLE", SecretID: "env:SECRET"}, Version: 1, Mount: "kv/old/"}, "/v1/kv/old/kafka/user", fields},
		"kubernetes, own mounts":  {secret.Vault{Kubernetes: &secret.KubernetesLogin{Role: "gantry", Token: "env:JWT", Mount: "kube"}, Mount: "kv"}, "/v1/kv/data/kafka/user", v2(fields)},
		"a value that is no text": {secret.Vault{Token: "env:TOKEN"}, "/v1/secret/data/kafka/user", map[string]any{"data": map[string]any{"username": "u", "password": "p", "n": map[string]any{}}, "metadata": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBao(t)
			b.put(c.path, c.data)
			r := b.resolver(t, c.cfg)
			got, err := r.Fields(t.Context(), "vault:kafka/user")
			require.NoError(t, err)
			require.Equal(t, fields, got)
			require.Equal(t, c.cfg.Namespace, b.asked[len(b.asked)-1].Header.Get("X-Vault-Namespace"))
			one, err := r.One(t.Context(), "vault:kafka/user#password")
			require.NoError(t, err)
			require.Equal(t, "p", one)
		})
	}
}

// A token that was revoked, or has ended, is replaced without anybody noticing.
func TestVaultLogsInAgain(t *testing.T) {
	t.Parallel()
	b := newBao(t)
	b.put("/v1/secret/data/a", v2(map[string]string{"x": "1"}))
	r := b.resolver(t, secret.Vault{AppRole: &secret.AppRole{RoleID: "env:ROLE", SecretID: "env:SECRET"}})
	_, err := r.Fields(t.Context(), "vault:a")
	require.NoError(t, err)
	b.mu.Lock()
	clear(b.tokens)
	b.mu.Unlock()
	r.Forget("vault:a")
	b.put("/v1/secret/data/a", v2(map[string]string{"x": "2"}))
	got, err := r.Fields(t.Context(), "vault:a")
	require.NoError(t, err)
	require.Equal(t, "2", got["x"])
	require.Equal(t, 2, b.logins)
}

func TestVaultRefuses(t *testing.T) {
	t.Parallel()
	b := newBao(t)
	for name, c := range map[string]struct {
		cfg  secret.Vault
		want string
	}{
		"a wrong token":    {secret.Vault{Token: "env:BAD"}, "permission denied; give the token's policy the capability read"},
		"a wrong role":     {secret.Vault{AppRole: &secret.AppRole{RoleID: "env:BAD", SecretID: "env:SECRET"}}, "log in: the server answered 400 invalid role or secret ID; check the login"},
		"no such path":     {secret.Vault{Token: "env:TOKEN"}, "404 ; check the path"},
		"no such variable": {secret.Vault{Token: "env:GONE"}, "log in: read the secret env:GONE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.resolver(t, c.cfg).Get(t.Context(), "vault:kafka")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	gone := newBao(t)
	r := gone.resolver(t, secret.Vault{Token: "env:TOKEN"})
	gone.Close()
	_, err := r.Get(t.Context(), "vault:a")
	require.ErrorContains(t, err, "could not be reached")
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
