package declare_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/kafka"
)

// A cluster by a Java client's file has the file's brokers, so that mappings of the file
// and of the API find it by them; each fault of the file is one of the line that names it.
func TestAClusterByAJavaClientsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := declare.Identity{Name: "gantry.yaml", Dir: dir, Client: func(path string) (kafka.Config, error) {
		return kafka.FromProperties(path, func(string) (string, bool) { return "", false })
	}}
	text := []byte("clusters:\n  legacy: {properties: ./client.properties, arn: \"arn:aws:kafka:eu-west-1:123456789012:cluster/a/b\"}\n" +
		"functions: {f: {http: \"http://localhost/\"}}\n" +
		"mappings: {m: {function: f, cluster: legacy, topic: orders, startingPosition: LATEST}}\n")
	file := filepath.Join(dir, "client.properties")

	require.NoError(t, os.WriteFile(file, []byte("bootstrap.servers=broker:9092\ngroup.id=x\n"), 0o600))
	f, err := declare.Parse(text, id)
	require.NoError(t, err)
	require.Equal(t, []string{"broker:9092"}, f.Mappings[0].Source.Bootstrap)
	require.Equal(t, "arn:aws:kafka:eu-west-1:123456789012:cluster/a/b", f.Clusters["legacy"].ARN)
	require.Equal(t, "group.id", f.Clusters["legacy"].Notes()[0].Key)

	require.NoError(t, os.WriteFile(file, []byte("security.protocol=SSL\nssl.provider=x\n"), 0o600))
	_, err = declare.Parse(text, id)
	require.ErrorContains(t, err, "gantry.yaml:2: clusters.legacy.properties: client.properties: bootstrap.servers: is missing")
	require.ErrorContains(t, err, "gantry.yaml:2: clusters.legacy.properties: client.properties:2: ssl.provider: is not supported")

	id.Client = nil // who applies a file to a gantry elsewhere does not read its clusters' files
	f, err = declare.Parse(text, id)
	require.NoError(t, err)
	require.Equal(t, file, f.Clusters["legacy"].Properties)
}
