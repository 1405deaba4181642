package manifest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/manifest"
	"gantry/workload"
)

func read(t *testing.T, paths ...string) manifest.Found {
	t.Helper()
	found, err := manifest.Read(paths)
	require.NoError(t, err)
	text, err := json.Marshal(found)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2", "no secret is kept")
	require.NotContains(t, string(text), "PRIVATE KEY")
	return found
}

func one(t *testing.T, f manifest.Found, group string) workload.Deployment {
	t.Helper()
	found := f.Of(group)
	require.Len(t, found, 1, group)
	return found[0]
}

func TestCompose(t *testing.T) {
	t.Parallel()
	f := read(t, "testdata/compose.yaml")
	require.Len(t, f.Deployments, 4)
	orders := one(t, f, "orders-service")
	require.Equal(t, "registry.example/orders:1.4", orders.Image)
	require.Equal(t, 3, orders.Replicas)
	require.Equal(t, 768, orders.MemoryMB)
	require.InDelta(t, 0.5, orders.CPU, 0)
	require.Equal(t, 45*time.Second, orders.Grace)
	require.Equal(t, []string{"orders", "orders.rejected", "orders.validated"}, orders.Topics)
	require.Equal(t, "***", orders.Env["DB_PASSWORD"])
	require.Equal(t, "postgres://***@db:5432/shop", orders.Env["DB_URL"])

	billing := one(t, f, "billing")
	require.Equal(t, []string{"billing"}, billing.Groups, "an instance id is no group")
	require.Equal(t, 1024, billing.MemoryMB)
	require.Len(t, billing.Notes, 2)
	require.Equal(t, "mailer", one(t, f, "mailer").Name, "a group on the command line")
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	f := read(t, "testdata/shop")
	require.Len(t, f.Notes, 1)
	require.Contains(t, f.Notes[0], "chart.yaml: is a template")
	stock := one(t, f, "stock:keeper")
	require.Equal(t, "stock/stock", stock.Name)
	require.Equal(t, 4, stock.Replicas)
	require.Equal(t, 1536, stock.MemoryMB)
	require.InDelta(t, 0.75, stock.CPU, 0)
	require.Equal(t, 90*time.Second, stock.Grace)
	require.Contains(t, stock.State, "StatefulSet")
	require.Equal(t, "eu", stock.Env["REGION"])
	require.Equal(t, "***", stock.Env["LOGIN"])
	require.Equal(t, []string{"stock"}, stock.Topics)
	require.Equal(t, []string{"Secret stock is not read", "ConfigMap gone is in none of the files, or lacks x"}, stock.Notes)

	audit := f.Of("stock-audit")
	require.Len(t, audit, 2, "a mounted file and a variable of many lines both name it")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("a: [b\n"), 0o600))
	_, err := manifest.Read([]string{bad, "testdata/none.yaml", "testdata/shop/chart.yaml"})
	require.ErrorContains(t, err, "bad.yaml: no YAML object")
	require.ErrorContains(t, err, "none.yaml")
	require.ErrorContains(t, err, "is a template")
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/compose.yaml", "testdata/shop/stock.yml", "testdata/shop/config.yaml"} {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "x.yaml")
		require.NoError(t, os.WriteFile(name, text, 0o600))
		found, err := manifest.Read([]string{name})
		if err != nil {
			require.Empty(t, found.Deployments, "what has a fault gives nothing")
		}
	})
}
