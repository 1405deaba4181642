package aws_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// failing fails every event.
const failing = `package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error { return errors.New("told to fail") })
}
`

// guarded is an AWS API server of its own that checks signatures and policies once it is
// told to; it does so by resource for SQS and STS.
type guarded struct {
	t   *testing.T
	url string
}

func newGuarded(t *testing.T) guarded {
	program := gantrytest.Kit(t, "venv-moto", "moto_server")
	port := gantrytest.FreePort(t)
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	g := guarded{t, fmt.Sprintf("http://127.0.0.1:%d", port)}
	require.Eventually(t, func() bool {
		res, err := http.Get(g.url + "/moto-api/data.json")
		return err == nil && res.Body.Close() == nil
	}, 60*time.Second, 50*time.Millisecond, "moto does not answer")
	return g
}

// ask makes a call of AWS's query protocol as the administrator.
func (g guarded) ask(service string, form url.Values) string {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/", strings.NewReader(form.Encode()))
	require.NoError(g.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ADMIN/20300101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	return g.send(r)
}

func (g guarded) send(r *http.Request) string {
	g.t.Helper()
	res, err := http.DefaultClient.Do(r)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	require.Equal(g.t, http.StatusOK, res.StatusCode, string(body))
	return string(body)
}

// guard has it check all calls from now on, or none.
func (g guarded) guard(on bool) {
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/moto-api/reset-auth", strings.NewReader(map[bool]string{true: "0", false: "inf"}[on]))
	require.NoError(g.t, err)
	g.send(r)
}

// user makes one who may do what a policy says, and nothing else, and gives its keys.
func (g guarded) user(name string, policy any) []string {
	document, err := json.Marshal(policy)
	require.NoError(g.t, err)
	g.ask("iam", url.Values{"Action": {"CreateUser"}, "UserName": {name}, "Version": {"2010-05-08"}})
	g.ask("iam", url.Values{"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"gantry"}, "PolicyDocument": {string(document)}, "Version": {"2010-05-08"}})
	key := g.ask("iam", url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}, "Version": {"2010-05-08"}})
	of := func(tag string) string {
		return regexp.MustCompile("<" + tag + ">([^<]+)<").FindStringSubmatch(key)[1]
	}
	return []string{"AWS_ACCESS_KEY_ID=" + of("AccessKeyId"), "AWS_SECRET_ACCESS_KEY=" + of("SecretAccessKey")}
}

// The policy that gantry iam prints is enough where AWS holds it: a function works under
// its role, and what it fails at goes to the queue. With any one statement missing nothing
// arrives, and gantry says what was refused.
func TestThePrintedPolicyIsEnoughAndNoneCanGo(t *testing.T) {
	t.Parallel()
	cloud, dir := newGuarded(t), t.TempDir()
	const queue = "arn:aws:sqs:eu-west-1:" + account + ":dead"
	file := filepath.Join(dir, "gantry.yaml")
	config := fmt.Sprintf(`
aws: {region: eu-west-1, endpoint: %q}
roles: {%q: {assume: true}}
clusters: {local: {embedded: true}}
functions: {fails: {runtime: provided.al2023, handler: bootstrap, code: %q, timeout: 20s, role: %[2]q}}
mappings: {orders: {function: fails, cluster: local, topic: orders, startingPosition: TRIM_HORIZON, maximumRetryAttempts: 0, onFailure: %[4]q}}
`, cloud.url, role("orders"), gantrytest.GoFunction(t, failing), queue)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	var printed struct {
		Version   string
		Statement []map[string]any
	}
	said := gantrytest.New(t, gantrytest.Options{Config: config}).MustCLI("iam", "orders", "-c", file, "-o", "json")
	_, document, _ := strings.Cut(said, "\n{") // behind the notes
	require.NoError(t, json.Unmarshal([]byte("{"+document), &printed), said)
	require.Len(t, printed.Statement, 2, said)

	cloud.ask("sqs", url.Values{"Action": {"CreateQueue"}, "QueueName": {"dead"}, "Version": {"2012-11-05"}})
	cloud.ask("iam", url.Values{"Action": {"CreateRole"}, "RoleName": {"orders"}, "AssumeRolePolicyDocument": {
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`}, "Version": {"2010-05-08"}})
	users := map[string][]string{"": cloud.user("whole", printed)}
	for i, s := range printed.Statement {
		less := printed
		less.Statement = []map[string]any{printed.Statement[1-i]}
		users[s["Action"].([]any)[0].(string)] = cloud.user(fmt.Sprint("without-", i), less)
	}
	cloud.guard(true)
	for refused, keys := range users {
		g := gantrytest.Start(t, gantrytest.Options{Config: config, Env: append(keys, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)})
		require.Eventually(t, func() bool { _, code := g.CLI("produce", "orders", "--cluster", "local", "x"); return code == 0 }, time.Minute, 50*time.Millisecond)
		if refused == "" {
			g.MustCLI("wait", "orders", "--settled", "--timeout", "60s")
		} else {
			_, operation, _ := strings.Cut(refused, ":")
			var status string
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				status = g.MustCLI("status")
				require.Contains(c, status, operation)
			}, time.Minute, 100*time.Millisecond)
			t.Log(status)
			require.NotContains(t, g.MustCLI("offsets", "show", "orders", "-o", "json"), `"committed": 1`)
		}
		require.NoError(t, g.Stop())
	}
	cloud.guard(false)
	letters := cloud.ask("sqs", url.Values{"Action": {"GetQueueAttributes"}, "QueueUrl": {cloud.url + "/" + account + "/dead"},
		"AttributeName.1": {"ApproximateNumberOfMessages"}, "Version": {"2012-11-05"}})
	require.Contains(t, letters, "<Value>1</Value>", "the letter of the one who may")
}
