package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
	"gantry/declare"
	"gantry/mapping"
)

// write puts a file into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gantry.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestFlagsWinOverTheFileAndTheFileOverTheDefaults(t *testing.T) {
	t.Parallel()
	file, base, err := load(serveFlags{})
	require.NoError(t, err)
	require.Equal(t, []string{declare.DefaultListen, declare.DefaultDataDir, declare.DefaultRegion}, []string{file.Listen, file.DataDir, file.Region})
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, here, base)

	path := write(t, "listen: 127.0.0.1:1\ndataDir: ./data\nregion: eu-west-1\n")
	file, base, err = load(serveFlags{config: path})
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(path), base)
	require.Equal(t, []string{"127.0.0.1:1", filepath.Join(base, "data"), "eu-west-1"}, []string{file.Listen, file.DataDir, file.Region},
		"the data directory is beside the file, wherever gantry was started")

	file, _, err = load(serveFlags{config: path, listen: "127.0.0.1:2", dataDir: "./second"})
	require.NoError(t, err)
	require.Equal(t, []string{"127.0.0.1:2", "./second"}, []string{file.Listen, file.DataDir})
}

func TestAFileThatCannotBeServed(t *testing.T) {
	t.Parallel()
	path := write(t, "lisen: x\nmappings:\n  m: { function: f, topic: t }\n")
	_, _, err := load(serveFlags{config: path})
	require.ErrorContains(t, err, path+":1: lisen: unknown key")
	require.ErrorContains(t, err, path+":3: mappings.m: ")
	_, _, err = load(serveFlags{config: path + ".missing"})
	require.ErrorContains(t, err, "read the configuration: ")
	_, err = logger(serveFlags{logLevel: "loud"}, declare.Logs{}, streams{})
	require.ErrorContains(t, err, `--log-level: "loud" is not known; want debug, info, warn or error`)
}

func TestTheLogIsTextOrJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := logger(serveFlags{logLevel: "warn"}, declare.Logs{Level: "debug"}, streams{err: &out})
	require.NoError(t, err)
	log.Info("quiet")
	log.Warn("heard")
	require.Contains(t, out.String(), "level=WARN msg=heard event=unnamed")
	require.NotContains(t, out.String(), "quiet")
	out.Reset()
	log, err = logger(serveFlags{logLevel: "info", logJSON: true}, declare.Logs{}, streams{err: &out})
	require.NoError(t, err)
	log.Info("heard")
	require.Contains(t, out.String(), `"msg":"heard"`)
}

func TestEmbeddedClustersHaveTheTopicsOfTheFile(t *testing.T) {
	t.Parallel()
	file, err := declare.Parse([]byte(`
clusters: { a: { embedded: true }, b: { embedded: true }, far: { brokers: ["kafka:9092"] } }
functions: { f: { http: "http://127.0.0.1:1/" } }
mappings:
  one: { function: f, cluster: a, topic: orders, startingPosition: LATEST, onFailure: "kafka://dead" }
  two: { function: f, cluster: b, topic: payments, startingPosition: LATEST }
  three: { function: f, cluster: far, topic: orders, startingPosition: LATEST }
`), declare.Identity{Name: "x"})
	require.NoError(t, err)
	require.Equal(t, []string{"dead", "orders"}, topicsOf(file, "a"))
	stop, err := startEmbedded(file)
	require.NoError(t, err)
	defer stop()
	a, b := file.Clusters["a"].Brokers, file.Clusters["b"].Brokers
	require.NotEmpty(t, a)
	require.NotEqual(t, a, b, "each is a cluster of its own")
	var at [][]string
	for _, m := range file.Mappings {
		at = append(at, m.Source.Bootstrap)
	}
	require.ElementsMatch(t, [][]string{a, b, {"kafka:9092"}}, at)
	require.Equal(t, []string{"kafka:9092"}, file.Clusters["far"].Brokers)
}

func TestTheGreetingSaysHowToComeInAndNoSecret(t *testing.T) {
	dir := t.TempDir()
	file := &declare.File{DataDir: dir, Region: "eu-west-1", AccountID: "000000000000"}
	greeting := func(file *declare.File) (string, *server) {
		srv, err := open(t.Context(), options{file: file, base: dir, name: "x", log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		var out bytes.Buffer
		greet(srv, "127.0.0.1:9400", streams{err: &out})
		require.NoError(t, srv.close())
		return out.String(), srv
	}
	first, srv := greeting(file)
	require.True(t, srv.madeKey)
	require.Contains(t, first, "serves on http://127.0.0.1:9400\na key pair was made for it")
	require.Contains(t, first, "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9400\n")
	require.Contains(t, first, "export AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, door.CredentialsFile)+" AWS_REGION=eu-west-1")
	secrets, err := os.ReadFile(filepath.Join(dir, door.CredentialsFile))
	require.NoError(t, err)
	for _, word := range bytes.Fields(secrets) {
		if len(word) > 20 && !bytes.Contains(word, []byte("aws_")) {
			require.NotContains(t, first, string(word))
		}
	}
	again, _ := greeting(file)
	require.NotContains(t, again, "was made")
	require.Contains(t, again, "aws lambda list-event-source-mappings")

	t.Setenv("GANTRY_TEST_GREETING", "geheim-geheim-geheim") // the file's own keys are the owner's affair
	file.Keys = []declare.Key{{ID: "AKIDOWN", Secret: "env:GANTRY_TEST_GREETING", Role: "admin"}}
	own, _ := greeting(file)
	require.NotContains(t, own, "export")
	require.NotContains(t, own, "geheim")
}

func TestTheClusterOfASource(t *testing.T) {
	t.Parallel()
	file, err := declare.Parse([]byte(`
clusters:
  onprem: { brokers: ["kafka-1:9092", "kafka-2:9092"] }
  other: { brokers: ["kafka-9:9092"] }
`), declare.Identity{Name: "x"})
	require.NoError(t, err)
	s := &server{opts: options{file: file}}
	require.Equal(t, "onprem", s.clusterOf(mapping.Source{Bootstrap: []string{"elsewhere:1", "kafka-2:9092"}}))
	require.Equal(t, "other", s.clusterOf(mapping.Source{ARN: "other"}))
	require.Empty(t, s.clusterOf(mapping.Source{Bootstrap: []string{"elsewhere:1"}}))
	require.Empty(t, s.clusterOf(mapping.Source{}))
}
