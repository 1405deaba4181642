package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// again is the page's function, which fails once behind all of its work: every record of
// that batch is delivered twice.
const again = `import json, os
import app

def handler(event, context):
    app.handler(event, context)
    with open(os.environ["DELIVERED"], "a") as f:
        for records in event["records"].values():
            for r in records:
                print(r["offset"], file=f)
    if not os.path.exists(os.environ["DELIVERED"] + ".failed"):
        open(os.environ["DELIVERED"] + ".failed", "w").close()
        raise Exception("told to fail once")
`

// The code of docs/idempotency.md as it stands there, with Powertools and a table: a record
// that is delivered twice has its effect once.
func TestAnEffectHappensOnce(t *testing.T) {
	t.Parallel()
	python := gantrytest.Kit(t, "venv-functions", "python")
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("the kit venv-functions has no boto3: %s", out)
	}
	c := kafkatest.Shared(t)
	endpoint, dir := tables(t), t.TempDir()
	page, err := os.ReadFile("../../docs/idempotency.md")
	require.NoError(t, err)
	_, code, _ := strings.Cut(string(page), "```python\n")
	code, _, _ = strings.Cut(code, "```")
	require.Contains(t, code, "def charge(record):\n    ...\n")
	code = strings.Replace(code, "    ...\n", "    with open(os.environ[\"CHARGED\"], \"a\") as f:\n        print(record[\"offset\"], file=f)\n", 1)
	writeFile(t, dir+"/fn/app.py", "import os\n"+code)
	writeFile(t, dir+"/fn/again.py", again)
	writeFile(t, dir+"/credentials", "[orders]\naws_access_key_id = test\naws_secret_access_key = test\n")
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, "a", "b", "c", "d", "e")
	const role = "arn:aws:iam::000000000000:role/orders"
	gantrytest.Start(t, gantrytest.Options{Dir: dir, Env: []string{"AWS_SHARED_CREDENTIALS_FILE=" + dir + "/credentials"}, Config: fmt.Sprintf(`
region: eu-west-1
interpreters: {python3.12: %q}
roles: {%q: {profile: orders}}
clusters: {main: {brokers: [%q]}}
functions:
  charge: {runtime: python3.12, handler: again.handler, code: ./fn, timeout: 60s, role: %q, environment: {AWS_ENDPOINT_URL_DYNAMODB: %q, CHARGED: %q, DELIVERED: %q}}
mappings:
  charges: {function: charge, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 5, maximumBatchingWindow: 0s}
`, python, role, c.Brokers()[0], role, endpoint, dir+"/charged", dir+"/delivered", topic)})
	settles(t, c, "gantry.charges", topic)
	count := func(name string) map[string]int {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		times := map[string]int{}
		for _, line := range strings.Fields(string(text)) {
			times[line]++
		}
		return times
	}
	twice := 0
	for _, n := range count("delivered") {
		if n > 1 {
			twice++
		}
	}
	require.Positive(t, twice, "a record is delivered twice")
	require.Equal(t, map[string]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}, count("charged"))
}

// tables is an AWS API server with the table of the page.
func tables(t *testing.T) string {
	t.Helper()
	port := fmt.Sprint(gantrytest.FreePort(t))
	cmd := exec.Command(gantrytest.Kit(t, "venv-ministack", "ministack"))
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_REGION=eu-west-1", "STATE_DIR="+t.TempDir())
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	endpoint := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(`{"TableName":"orders-done","BillingMode":"PAY_PER_REQUEST",
			"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}`))
		require.NoError(t, err)
		req.Header.Set("X-Amz-Target", "DynamoDB_20120810.CreateTable")
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
		res, err := http.DefaultClient.Do(req)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond, "the server makes no table")
	return endpoint
}
