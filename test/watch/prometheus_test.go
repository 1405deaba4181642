package watch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const monitoring = "../../packaging/monitoring/"

// program skips where a program of Debian's package prometheus is not there.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here (Debian's package prometheus has it)", name)
	}
	return path
}

// prometheus is a server of its own for one test.
type prometheus struct {
	t   *testing.T
	url string
}

// scrape starts a Prometheus that scrapes a gantry each second and evaluates rules as often.
func scrape(t *testing.T, gantry, rules string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	target, err := url.Parse(gantry)
	require.NoError(t, err)
	file := filepath.Join(dir, "rules.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - job_name: gantry
    static_configs: [{targets: [%q]}]
`, file, target.Host), 0o600))
	address := fmt.Sprintf("127.0.0.1:%d", gantrytest.FreePort(t))
	var said bytes.Buffer
	cmd := exec.Command(program(t, "prometheus"), "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	p := &prometheus{t, "http://" + address}
	p.until("Prometheus has scraped gantry", func() bool { return len(p.query(`up{job="gantry"} == 1`)) == 1 })
	return p
}

// sample is one element of a vector.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// ask runs a query and gives Prometheus's own word on it.
func (p *prometheus) ask(expr string) ([]sample, error) {
	resp, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

func (p *prometheus) query(expr string) []sample {
	result, err := p.ask(expr)
	if err != nil {
		return nil // it is starting
	}
	return result
}

// firing gives the alerts of a name that fire.
func (p *prometheus) firing(name string) []sample {
	return p.query(fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing"}`, name))
}

func (p *prometheus) until(what string, ok func() bool) {
	p.t.Helper()
	require.Eventually(p.t, ok, patience, 200*time.Millisecond, what)
}

// patience is for a machine that does other things as well, and for the longest wait of
// the rules as they are shipped.
const patience = 8 * time.Minute

// rules are those that are shipped.
func rules(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile(monitoring + "gantry.rules.yml")
	require.NoError(t, err)
	return string(body)
}

func TestRulesAreValidAndFireAsTheyShould(t *testing.T) {
	t.Parallel()
	tool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "gantry.rules.yml"}, {"test", "rules", "gantry.rules.test.yml"}} {
		cmd := exec.Command(tool, args...)
		cmd.Dir = monitoring
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "promtool %s: %s", strings.Join(args, " "), out)
		require.Contains(t, string(out), "SUCCESS")
	}
}

// TestEveryAlertIsTestedBothWays: for each there is a case in which it fires and one in
// which it does not.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(monitoring + "gantry.rules.test.yml")
	require.NoError(t, err)
	for line := range strings.Lines(rules(t)) {
		_, name, ok := strings.Cut(strings.TrimSpace(line), "- alert: ")
		if !ok {
			continue
		}
		require.Contains(t, string(body), "{alertname: "+name+", eval_time: ", "quiet")
		require.Contains(t, string(body), "- alertname: "+name+"\n", "firing")
	}
}
