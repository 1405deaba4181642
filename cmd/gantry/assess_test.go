package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/kafka/embedded"
)

// TestAssess surveys a broker by a configuration file alone, keeps the survey, and judges
// it again without the broker.
func TestAssess(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.Config{Topics: []string{"orders"}})
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	keep := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(keep.Close)
	cluster := "clusters: { onprem: { brokers: [\"" + broker.Brokers()[0] + "\"] } }\n"
	g := live(t, cluster+"functions: { keep: { http: \""+keep.URL+"\" } }\n"+
		"mappings: { base: { function: keep, cluster: onprem, topic: orders, startingPosition: TRIM_HORIZON } }\n")
	g.must("produce", "orders", "--cluster", "onprem", "1", "2", "3")
	g.until("get", "mappings").contains("base")
	g.must("wait", "base", "--settled", "--timeout", "20s")

	folder := t.TempDir()
	config, survey, html := filepath.Join(folder, "gantry.yaml"), filepath.Join(folder, "survey.json"), filepath.Join(folder, "report.html")
	require.NoError(t, os.WriteFile(config, []byte(cluster), 0o600))
	code, out, errs := g.do("", "assess", "-c", config, "--cluster", "onprem", "--quick", "--watch", "1s", "--survey", survey, "--html", html)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "nothing is changed: no group is joined", "it says what it will ask")
	require.Regexp(t, `asked \d+ requests in`, errs)
	require.Contains(t, out, "gantry.base")
	require.FileExists(t, html)
	_, again, errs := g.do("", "assess", "--from", survey)
	require.Contains(t, again, "gantry.base", errs)

	code, _, errs = g.do("", "assess", "-c", config, "--cluster", "elsewhere")
	require.Equal(t, 1, code)
	require.Contains(t, errs, `clusters: has no "elsewhere"`)
}
