package secret_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/secret"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestReferencesResolveByPrefix(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	write(t, filepath.Join(base, "pw"), "from file\n")
	write(t, filepath.Join(base, "store", "user.json"), `{"username":"ann"}`)
	write(t, filepath.Join(base, "store", "team", "bob"), "bob")
	r := secret.New(secret.Options{
		Base:  base,
		Rules: secret.Config{{Prefix: "secret:", From: secret.From{Dir: "store"}}},
		LookupEnv: func(name string) (string, bool) {
			return "from env", name == "PW"
		},
	})
	for ref, want := range map[string]string{
		"env:PW": "from env", "file:pw": "from file", "file:./pw": "from file",
		"file:" + filepath.Join(base, "pw"): "from file",
		"secret:user.json":                  `{"username":"ann"}`, "secret:user": `{"username":"ann"}`, "secret:team/bob": "bob",
	} {
		got, err := r.Plain(t.Context(), ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, got, ref)
		require.NoError(t, r.Check(ref))
	}
	fields, err := r.Fields(t.Context(), "secret:user")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"username": "ann"}, fields)
}

func TestRefusalsNameTheReferenceAndWhatToTry(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	write(t, filepath.Join(base, "outside"), "hunter2")
	write(t, filepath.Join(base, "word"), "hunter2")
	require.NoError(t, os.MkdirAll(filepath.Join(base, "store", "folder"), 0o700))
	require.NoError(t, os.Symlink(filepath.Join(base, "outside"), filepath.Join(base, "store", "link")))
	write(t, filepath.Join(base, "huge"), string(make([]byte, 70_000)))
	r := secret.New(secret.Options{
		Base:      base,
		Rules:     secret.Config{{Prefix: "team:", From: secret.From{Dir: "store"}}, {Prefix: "sm:", From: secret.From{AWS: true}}},
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	for ref, want := range map[string][]string{
		"env:NO":          {"env:NO", "not set", "set it"},
		"file:missing":    {"file:missing", "no such file", "check the path"},
		"file:huge":       {"larger than 65536"},
		"file:store":      {"no regular file"},
		"team:nobody":     {"team:nobody", "nobody.json", "create one"},
		"team:../outside": {"team:../outside", "escapes"},
		"team:link":       {"team:link", "escapes"},
		"team:folder":     {"no regular file"},
		"sm:x":            {"sm:x", "AWS is not configured"},
		"vault:hunter2":   {"no rule in secrets: has a prefix for it; add { prefix: \"vault:\""},
		"secret:x":        {"secret:x", `prefix: "secret:"`},
		"arn:aws:secretsmanager:eu-west-1:1:secret:x": {"arn:aws:secretsmanager:eu-west-1:1:secret:x", "from: aws"},
		"hunter2":     {"(not shown)", "never belongs here"},
		"hunter2:x":   {"(not shown)"},
		"x:hunter2:y": {"(not shown)"},
	} {
		_, err := r.Get(t.Context(), ref)
		require.Error(t, err, ref)
		for _, part := range want {
			require.ErrorContains(t, err, part, ref)
		}
		require.NotContains(t, err.Error(), "hunter2", ref)
		var typed *secret.Error
		require.ErrorAs(t, err, &typed)
	}
	_, err := r.Fields(t.Context(), "file:word")
	require.ErrorContains(t, err, "file:word")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestAnchor(t *testing.T) {
	t.Parallel()
	require.Equal(t, "file:"+filepath.FromSlash("/conf/secrets/ca.pem"), secret.Anchor("file:./secrets/ca.pem", filepath.FromSlash("/conf")))
	require.Equal(t, "env:X", secret.Anchor("env:X", "/conf"))
	require.Equal(t, "file:", secret.Anchor("file:", "/conf"))
}

func TestAValueIsKeptUntilItExpiresOrIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		content, asked := "one", 0
		r := secret.New(secret.Options{LookupEnv: func(string) (string, bool) { asked++; return content, true }})
		plain := func() string {
			v, err := r.Plain(t.Context(), "env:PW")
			require.NoError(t, err)
			return v
		}
		require.Equal(t, "one", plain())
		content = "two"
		time.Sleep(secret.DefaultExpiry - time.Nanosecond)
		require.Equal(t, "one", plain())
		time.Sleep(time.Nanosecond)
		require.Equal(t, "two", plain())
		content = "three"
		require.Equal(t, "two", plain())
		r.Forget("env:PW")
		require.Equal(t, "three", plain())
		require.Equal(t, 3, asked)
	})
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	aws := secret.From{AWS: true}
	require.NoError(t, secret.Config{
		{Prefix: "arn:aws:secretsmanager:", From: aws}, {Prefix: "secret:", From: secret.From{Dir: "./secrets"}},
		{Prefix: "k8s:", From: secret.From{Kubernetes: "/mnt"}},
		{Prefix: "vault:", From: secret.From{Vault: &secret.Vault{Address: "https://v:8200", Token: "env:T", CA: "file:ca.pem"}}},
	}.Validate())
	err := secret.Config{
		{From: aws}, {Prefix: "env:", From: aws}, {Prefix: "x", From: aws},
		{Prefix: "a:", From: secret.From{Dir: "x", AWS: true}}, {Prefix: "a:b:", From: aws}, {Prefix: "c:"},
		{Prefix: "v:", From: secret.From{Vault: &secret.Vault{Address: "ftp://v", Version: 3, Token: "hunter2", Kubernetes: &secret.KubernetesLogin{}}}},
		{Prefix: "w:", From: secret.From{Vault: &secret.Vault{AppRole: &secret.AppRole{RoleID: "r"}}}},
	}.Validate()
	for _, fault := range []string{
		"secrets[0]: prefix is missing", "secrets[1]: prefix \"env:\" always resolves", "secrets[2]: prefix \"x\" must",
		"secrets[3]: from: choose one of", "secrets[4]: prefix \"a:b:\" is never reached: secrets[3]", "secrets[5]: from is missing",
		"secrets[6]: vault.address is not", "secrets[6]: vault.version: 3", "secrets[6]: vault.token: want exactly one", "secrets[6]: vault.token: want env:NAME",
		"secrets[6]: vault.kubernetes.role is missing", "secrets[7]: vault.address is missing", "secrets[7]: vault.appRole: want roleId and secretId",
		"secrets[7]: vault.appRole.roleId: want env:NAME",
	} {
		require.ErrorContains(t, err, fault)
	}
	require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 14)
	require.NotContains(t, err.Error(), "hunter2")
}
