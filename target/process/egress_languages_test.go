//go:build linux

package process_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

const pythonClient = `
import socket, time, urllib.error, urllib.request

def handler(event, context):
    out = []
    for url in event:
        begin = time.time()
        try:
            text = urllib.request.urlopen(url, timeout=20).read().decode()
        except (urllib.error.URLError, OSError) as e:
            text = "error: " + str(getattr(e, "reason", e))
        out.append({"text": text, "ms": int((time.time() - begin) * 1000)})
    return out
`

const nodeClient = `
exports.handler = async (event) => {
  const out = [];
  for (const url of event) {
    const begin = Date.now();
    let text;
    try {
      text = await (await fetch(url, { signal: AbortSignal.timeout(20000) })).text();
    } catch (e) {
      text = "error: " + (e.cause ? e.cause.code || e.cause.errors : e.name);
    }
    out.push({ text, ms: Date.now() - begin });
  }
  return out;
};
`

// Python and Node.js look names up and connect in their own ways: they, too, find what
// is declared and are refused everything else at once.
func TestClosedLanguages(t *testing.T) {
	t.Parallel()
	for program, c := range map[string]struct{ runtime, file, code string }{
		"python3": {"python3.12", "app.py", pythonClient},
		"node":    {"nodejs22.x", "app.js", nodeClient},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed", program)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "answer for ", r.Host) }))
			t.Cleanup(server.Close)
			address := strings.TrimPrefix(server.URL, "http://")
			stranger := echo(t, "tcp4", "127.0.0.1:0")
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, c.file), []byte(c.code), 0o600))
			r := newRig(t, closed(t, "api.internal:8080", "10.99.3.4:8081", address), leadingTo(address), func(f *function.Function, p *process.Config) {
				f.Runtime, f.Handler, p.CodeDir = c.runtime, "app.handler", dir
			})
			declared := []string{"http://api.internal:8080/", "http://10.99.3.4:8081/", "http://" + address + "/"}
			_, port, err := net.SplitHostPort(stranger)
			require.NoError(t, err)
			others := []string{"http://" + stranger + "/", "http://localhost:" + port + "/", "http://api.internal:8081/", "http://undeclared.example/", "http://192.0.2.1/", "http://169.254.169.254/"}
			event, err := json.Marshal(append(declared, others...))
			require.NoError(t, err)
			o := r.invoke(string(event))
			var got []struct {
				Text string
				MS   int
			}
			require.NoError(t, json.Unmarshal(o.Answer, &got), "%s %s", o.Answer, o.Message)
			require.Len(t, got, len(declared)+len(others))
			for i, url := range declared {
				require.Equal(t, "answer for "+strings.Trim(strings.TrimPrefix(url, "http:"), "/"), got[i].Text)
			}
			for i, url := range others {
				one := got[len(declared)+i]
				require.Contains(t, one.Text, "error: ", url)
				require.Less(t, one.MS, 2000, "%s: %s", url, one.Text)
			}
		})
	}
}
