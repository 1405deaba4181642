package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/kafka"
	"gantry/secret"
)

// clientFiles are files as vendors tell users to write them, each of which can be used.
func clientFiles(t *testing.T) []string {
	all, err := filepath.Glob("../kafka/testdata/clients/*.properties")
	require.NoError(t, err)
	var files []string
	for _, file := range all {
		if name := filepath.Base(file); !strings.HasPrefix(name, "faults-") && name != "secrets.properties" && name != "providers.properties" {
			files = append(files, file)
		}
	}
	require.Greater(t, len(files), 10)
	return files
}

// TestImportSaysTheSame: the entry an import writes reaches the cluster as the file does,
// secret by secret, and has none in it.
func TestImportSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, file := range clientFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			written := filepath.Join(dir, "entry.yaml")
			s := gantry(t, "", "cluster", "import", file, "--name", "legacy", "--write", written)
			require.Equal(t, 0, s.code, s.err)
			text, err := os.ReadFile(written)
			require.NoError(t, err)
			f, err := declare.Parse(text, declare.Identity{Name: "entry.yaml", Dir: dir})
			require.NoError(t, err, string(text))
			want, err := kafka.FromProperties(file, os.LookupEnv)
			require.NoError(t, err)
			got := f.Clusters["legacy"]
			require.Equal(t, want.Brokers, got.Brokers)
			require.Equal(t, want.AllowPlaintext, got.AllowPlaintext)
			require.Equal(t, want.ClientID, got.ClientID)
			require.Equal(t, want.TLS == nil, got.TLS == nil)
			require.Equal(t, want.SASL == nil, got.SASL == nil)
			sameSecrets(t, want, got, string(text)+s.out+s.err)
		})
	}
}

func sameSecrets(t *testing.T, want, got kafka.Config, printed string) {
	t.Helper()
	places := secret.New(secret.Options{})
	materials, err := want.Materials()
	require.NoError(t, err)
	entry, err := json.Marshal(got)
	require.NoError(t, err)
	for _, m := range materials {
		at := strings.Index(string(entry), m.File+`"`)
		require.Positive(t, at, "the entry names %s", m.File)
		begin := strings.LastIndex(string(entry[:at]), `"`) + 1
		ref := string(entry[begin : at+len(m.File)])
		if m.Fields == nil {
			text, err := places.Plain(t.Context(), ref)
			require.NoError(t, err)
			require.Equal(t, strings.TrimRight(m.Text, "\n"), text)
			require.NotContains(t, printed, m.Text)
		} else {
			fields, err := places.Fields(t.Context(), ref)
			require.NoError(t, err)
			require.Equal(t, m.Fields, fields)
			require.False(t, len(m.Fields["password"]) > 2 && strings.Contains(printed, m.Fields["password"]))
		}
		info, err := os.Stat(strings.TrimPrefix(ref, "file:"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestImportPrintsAndRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, secrets := "../kafka/testdata/clients/confluent-cloud.properties", filepath.Join(dir, "s")

	s := gantry(t, "", "cluster", "import", file, "--secrets-dir", secrets, "--dry-run")
	require.Equal(t, 0, s.code, s.err)
	require.Equal(t, "clusters:\n  confluent-cloud:\n    brokers:\n      - pkc-12345.europe-west3.gcp.confluent.cloud:9092\n    tls: {}\n"+
		"    sasl:\n      mechanism: PLAIN\n      secret: file:"+secrets+"/login.json\n    clientId: ccloud-java-client-1234\n", s.out)
	require.Contains(t, s.err, "would write "+secrets+"/login.json: user and password\n")
	require.Contains(t, s.err, "ignored, line 9: session.timeout.ms: a mapping has its own group")
	require.NoDirExists(t, secrets)

	s = gantry(t, "", "cluster", "import", file, "--secrets-dir", secrets, "-o", "json")
	require.Equal(t, 0, s.code, s.err)
	var answer struct {
		Name    string
		Cluster struct{ Brokers []string }
		Files   []struct{ Path string }
		Ignored []struct{ Line int }
	}
	require.NoError(t, json.Unmarshal([]byte(s.out), &answer), s.out)
	require.Equal(t, "confluent-cloud", answer.Name)
	require.Len(t, answer.Cluster.Brokers, 1)
	require.Equal(t, secrets+"/login.json", answer.Files[0].Path)
	require.NotEmpty(t, answer.Ignored)

	s = gantry(t, "", "cluster", "import", file, "--secrets-dir", secrets)
	require.Equal(t, 1, s.code)
	require.Contains(t, s.err, "login.json is there already; nothing was written")
	require.Equal(t, 0, gantry(t, "", "cluster", "import", file, "--secrets-dir", secrets, "--force").code)

	s = gantry(t, "", "cluster", "import", "../kafka/testdata/clients/faults-everywhere.properties", "--secrets-dir", filepath.Join(dir, "none"))
	require.Equal(t, 1, s.code)
	require.Contains(t, s.err, "faults-everywhere.properties:6: sasl.client.callback.handler.class: com.example.Handler is not supported")
	require.Greater(t, strings.Count(s.err, "\n"), 10, "every fault at once")
	require.NotContains(t, s.err+s.out, "hunter2")
	require.NoDirExists(t, filepath.Join(dir, "none"))
	require.Equal(t, 2, gantry(t, "", "cluster", "import").code)
}
