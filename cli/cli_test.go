package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"gantry/cli"
)

// said is what a command line came to.
type said struct {
	code     int
	out, err string
}

// gantry carries out a command line, with in as its standard input.
func gantry(t *testing.T, in string, line ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	root := cli.New(cli.Config{
		Build: cli.Build{Version: "test", Commit: "abc", Time: "2030-01-02T03:04:05Z"}, In: strings.NewReader(in), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" },
	})
	code := cli.Run(context.Background(), root, append(line, "--data-dir", t.TempDir()))
	return said{code, out.String(), errs.String()}
}

// api is a gantry that knows one mapping, and counts what was asked of it.
func api(t *testing.T) (endpoint string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	answers := map[string]string{
		"GET /gantry/v1/mappings":                `{"mappings":[{"uuid":"u-1","name":"orders","topic":"orders","function":"f","state":"Enabled","result":"OK","polled":7,"new":"member"}]}`,
		"GET /gantry/v1/mappings/orders/offsets": `{"uuid":"u-1","group":"g","partitions":[{"topic":"orders","partition":0,"start":0,"end":9,"committed":9}]}`,
		"POST /gantry/v1/mappings/orders/pause":  `{"mapping":{"uuid":"u-1","name":"orders"}}`,
		"DELETE /gantry/v1/mappings/orders":      `{}`,
		"POST /gantry/v1/topics/orders/records":  `{"positions":[{"Topic":"orders","Partition":0,"Offset":1}]}`,
		"GET /gantry/v1/mappings/orders/losses":  `{"uuid":"u-1","losses":[]}`,
		"POST /gantry/v1/mappings/orders/skip": `{"token":"t1","topic":"orders","partition":3,"to":"drop","resume":7,"after":8,
			"records":[{"offset":7,"timestamp":"2030-01-02T03:04:05Z","attempts":4,"bytes":11}]}`,
		"POST /gantry/v1/mappings/orders/offsets/reset": `{"token":"t2","group":"g","refusals":["group g has a member: client c on h"],
			"partitions":[{"topic":"orders","partition":3,"old":9,"new":4,"replayed":5,"start":0,"end":12}]}`,
		"GET /gantry/v1/mappings/orders/records": `{"topic":"orders","partition":3,"records":[{"offset":7,"timestamp":"2030-01-02T03:04:05Z",
			"timestampType":"CREATE_TIME","key":null,"value":"eyJ0b3RhbCI6MX0=","headers":[{"key":"h","value":"AQ=="}]}]}`,
		"GET /gantry/v1/status": `{"version":"1","listen":"l","standing":[{"uuid":"u-1","mapping":"orders","topic":"orders","partition":3,"offset":7,
			"since":"2030-01-02T03:04:05Z","attempts":4,"problem":"failing","error":"told to fail","lag":5,"leftSeconds":216000,
			"commands":["gantry skip orders --partition 3 --offset 7 --to drop"]}],"mappings":[]}`,
		"GET /gantry/v1/functions/f/logs":          `{"time":"2030-01-02T03:04:05Z","requestId":"r","text":"hello"}` + "\n",
		"POST /2015-03-31/functions/f/invocations": `{"ok":true}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Method + " " + r.URL.Path
		*asked = append(*asked, request)
		answer, ok := answers[request]
		if !ok {
			w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"mapping \"nope\": not found"}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestCodes(t *testing.T) {
	t.Parallel()
	endpoint, _ := api(t)
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		line string
		code int
		want string // in what was printed, on either stream
	}{
		{"get mappings", 0, "orders"},
		{"describe mapping nope", 1, `mapping "nope": not found (ResourceNotFoundException)`},
		{"pause nope", 1, "see: gantry get mappings"},
		{"wait orders --settled", 0, "orders is settled"},
		{"wait orders", 2, "--settled"},
		{"get", 2, "usage: gantry get mappings|functions"},
		{"get topics", 2, `"topics" is not known; want mappings or functions`},
		{"describe mapping", 2, "see: gantry describe --help"},
		{"nosuch", 2, `unknown command "nosuch"`},
		{"offsets nosuch", 2, `unknown command "nosuch"`},
		{"status --nosuch", 2, "unknown flag: --nosuch"},
		{"get mappings -o yaml", 2, "-o yaml: want table or json"},
		{"apply", 2, "give a file with -f"},
		{"apply -f " + missing, 1, "missing: no such file"},
		{"invoke f --event " + missing, 1, "read the event"},
		{"produce orders x", 2, "--cluster NAME or --brokers HOST:PORT"},
		{"produce orders x --cluster a --brokers b:1", 2, "--cluster NAME or --brokers HOST:PORT"},
		{"offsets accept-loss orders", 0, "no loss waits to be accepted"},
		{"offsets accept-loss orders --partition zzz", 2, "such as orders-3"},
		{"skip orders", 2, "--offset: name the records"},
		{"skip orders --partition 3 --offset 7 --to bin", 2, "want dead-letter or drop"},
		{"skip orders --partition 3 --offset 9-7 --to drop", 2, "a run such as 1234-1240"},
		{"skip orders --partition 3 --offset 7 --to drop --yes", 2, "--reason: say why"},
		{"skip orders --partition 3 --offset 7 --to drop --token t", 2, "--token: goes with --yes"},
		{"skip orders --partition 3 --offset 7 --to drop", 0, "would go on at 8"},
		{"skip orders --partition 3 --offset 7 --to drop", 0, `gantry skip orders --partition 3 --offset 7 --to drop --reason "…" --yes --token t1`},
		{"offsets reset orders --to yesterday", 2, "want earliest, latest, a time"},
		{"offsets reset orders --to -5", 0, "at most 5 records come again, at most 0 records are not read"},
		{"offsets reset orders --to earliest", 0, "group g has a member"},
		{"records show orders --partition x --offset 1", 2, "want a number such as 3"},
		{"records show orders --partition 3", 2, "--offset: is missing"},
		{"records show orders --partition 3 --offset 7", 0, `"total": 1`},
		{"records show orders --partition 3 --offset 6", 0, "offset 6 holds no record"},
		{"records show orders --partition 3 --offset 7 -o raw", 0, `{"total":1}`},
		{"records show orders --partition 3 --offset 7 -o yaml", 2, "want table, json or raw"},
		{"status", 0, "gantry skip orders --partition 3 --offset 7 --to drop"},
		{"status", 0, "2.5 days"},
		{"logs f", 0, "hello"},
		{"filter", 2, "give a pattern with -p"},
		{"filter -p {", 2, "the pattern is refused"},
	} {
		s := gantry(t, "", append(strings.Fields(c.line), "--endpoint", endpoint)...)
		require.Equal(t, c.code, s.code, "%s: %s", c.line, s.err)
		require.Contains(t, s.out+s.err, c.want, c.line)
		if c.code != 0 {
			require.NotContains(t, s.err, "/gantry/v1/", "%s: the request is no business of the reader", c.line)
		}
	}
}

// TestEveryCommandHasAnExample, in its help and its manual page.
func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	seen := 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		seen++
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.Contains(t, c.Example, "  gantry ", c.CommandPath())
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(cli.New(cli.Config{}))
	require.Greater(t, seen, 35)
}

// TestNobodyThere holds that an unreachable gantry says what to try.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s := gantry(t, "", "status", "--endpoint", "http://127.0.0.1:1")
	require.Equal(t, 1, s.code)
	require.Contains(t, s.err, "is gantry serve running?")
}

// TestWrongOutputChangesNothing holds that -o is looked at before the API is asked.
func TestWrongOutputChangesNothing(t *testing.T) {
	t.Parallel()
	endpoint, asked := api(t)
	require.Equal(t, 2, gantry(t, "", "delete", "mapping", "orders", "-o", "xml", "--endpoint", endpoint).code)
	require.Empty(t, *asked)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	endpoint, _ := api(t)
	for _, c := range []struct{ line, want string }{
		{"get mappings", `{"mappings":[{"uuid":"u-1","name":"orders","topic":"orders","function":"f","state":"Enabled","result":"OK","polled":7,"new":"member"}]}`},
		{"offsets accept-loss orders", `{"uuid":"u-1","losses":[]}`},
		{"wait orders --settled", `{"mapping":"orders","settled":true}`},
		{"delete mapping orders", `{"deleted":"orders","kind":"mapping"}`},
		{"produce orders x --cluster c", `{"topic":"orders","positions":[{"Topic":"orders","Partition":0,"Offset":1}]}`},
		{"invoke f --event -", `{"ok":true}`},
		{"logs f", `{"time":"2030-01-02T03:04:05Z","requestId":"r","text":"hello"}`},
	} {
		s := gantry(t, "{}", append(strings.Fields(c.line), "-o", "json", "--endpoint", endpoint)...)
		require.Zero(t, s.code, "%s: %s", c.line, s.err)
		require.JSONEq(t, c.want, s.out, c.line)
	}
	var paused struct{ Mapping struct{ UUID string } }
	require.NoError(t, json.Unmarshal([]byte(gantry(t, "", "pause", "orders", "-o", "json", "--endpoint", endpoint).out), &paused))
	require.Equal(t, "u-1", paused.Mapping.UUID)
}

func TestFilter(t *testing.T) {
	t.Parallel()
	const pattern = `{"value": {"total": [{"numeric": [">", 100]}]}}`
	lines := "{\"total\":101}\nnot json\n{\"total\":9}\n"
	s := gantry(t, lines, "filter", "-p", pattern)
	require.Equal(t, said{0, "true\ntrue\nfalse\n", ""}, s)
	file := filepath.Join(t.TempDir(), "orders.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	require.Equal(t, s, gantry(t, "", "filter", "-p", pattern, file))
}

// TestApplyFindsFaults holds that a file with faults is refused whole before gantry is
// asked.
func TestApplyFindsFaults(t *testing.T) {
	t.Parallel()
	endpoint, asked := api(t)
	file := filepath.Join(t.TempDir(), "gantry.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
functions:
  totals: { runtime: python3.12, handler: app.handler, code: ., color: red }
mappings:
  a: { function: totals, cluster: c, topic: orders, startingPosition: NEVER, batchSize: 0 }
`), 0o600))
	s := gantry(t, "", "apply", "-f", file, "--endpoint", endpoint)
	require.Equal(t, 2, s.code)
	for _, want := range []string{":3: functions.totals.color: unknown key", ":5: mappings.a.batchSize: 0 is not", ":5: mappings.a.startingPosition: \"NEVER\""} {
		require.Contains(t, s.err, want)
	}
	require.Empty(t, *asked)
}
