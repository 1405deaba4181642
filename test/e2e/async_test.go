package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const boto3Event = `import boto3, sys
answer = boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event", Payload=sys.argv[1])
assert answer["StatusCode"] == 202, answer
assert answer["Payload"].read() == b""
print(answer["ResponseMetadata"]["RequestId"])
`

// TestAnAcceptedEventSurvivesKill9: nobody waits for it, so nobody would miss it.
func TestAnAcceptedEventSurvivesKill9(t *testing.T) {
	if os.Getenv("GANTRY_TEST_KAFKA") == "" {
		t.Skip("part of make test: it builds and starts gantry")
	}
	aws, python := gantrytest.Kit(t, "venv-aws", "aws"), gantrytest.Kit(t, "venv-aws", "python")
	got, hold := make(chan string, 100), make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
		<-hold
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(service.Close)
	g := gantrytest.Start(t, gantrytest.Options{Config: "functions: {orders: {http: '" + service.URL + "', timeout: 60s}}\n"})
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), g.Env()...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	next := func() string {
		select {
		case body := <-got:
			return body
		case <-time.After(time.Minute):
			t.Fatal("no event came")
			return ""
		}
	}

	out := filepath.Join(t.TempDir(), "out")
	said := run(aws, "lambda", "invoke", "--function-name", "orders", "--invocation-type", "Event", "--payload", `{"n":1}`, out)
	require.Contains(t, said, `"StatusCode": 202`)
	require.Equal(t, `{"n":1}`, next())
	require.Contains(t, g.MustCLI("status"), "orders    1")
	g.Kill()
	close(hold)
	g.Up()
	require.Equal(t, `{"n":1}`, next(), "what was being run is run again")

	require.Len(t, run(python, "-c", boto3Event, `{"n":2}`), 37)
	require.Equal(t, `{"n":2}`, next())
	require.NoError(t, g.Stop())
	g.Up()
	require.NotContains(t, g.MustCLI("status"), "asynchronous", "what is done is not kept")
	require.NoError(t, g.Stop())
	require.Empty(t, got)
}
