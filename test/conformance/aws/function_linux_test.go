package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// environ answers with its environment.
const environ = `package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) ([]string, error) { return os.Environ(), nil })
}
`

// The binary, as a company has it: a credential process, a role with an external id, a
// proxy with a password that opens TLS, a secret in Secrets Manager, a role for a function.
func TestAFunctionBehindTheWholeRoad(t *testing.T) {
	t.Parallel()
	p, address, ca := open(t, moto(t), "ann", "hunter2")
	db := secretARN(t, "orders-db", `{"username":"orders","password":"db-password"}`)
	command, _ := process(t, time.Hour)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "secrets"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets", "proxy"), []byte("http://ann:hunter2@"+address+"\n"), 0o600))
	g := gantrytest.Start(t, gantrytest.Options{Dir: dir, DataDir: filepath.Join(dir, "data"), Config: fmt.Sprintf(`
secrets:
  - {prefix: "arn:aws:secretsmanager:", from: aws}
  - {prefix: "secret:", from: {dir: ./secrets}}
aws:
  region: eu-west-1
  credentialProcess: %s
  assumeRole: {roleArn: "%s", externalId: "7e1c"}
  proxy: secret:proxy
  caBundle: %s
roles:
  "%s": {assume: true}
functions:
  order-validate:
    runtime: provided.al2023
    handler: bootstrap
    code: %s
    timeout: 20s
    role: "%[4]s"
    secrets: {DB_PASSWORD: "%[6]s#password"}
  no-role: {runtime: provided.al2023, handler: bootstrap, code: %[5]s, timeout: 20s, role: "%[7]s"}
`, command, role("gantry"), ca, role("orders"), gantrytest.GoFunction(t, environ), db, role("unknown"))})
	vars := invoked(t, g, "order-validate")
	require.Equal(t, "db-password", vars["DB_PASSWORD"])
	got := aws.Credentials{AccessKeyID: vars["AWS_ACCESS_KEY_ID"], SecretAccessKey: vars["AWS_SECRET_ACCESS_KEY"], SessionToken: vars["AWS_SESSION_TOKEN"]}
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/orders/order-validate", caller(t, got))
	for _, host := range []string{"sts.eu-west-1.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"} {
		require.Contains(t, p.hosts(), host)
	}
	require.Zero(t, p.refused)

	none := invoked(t, g, "no-role")
	require.Empty(t, none["AWS_ACCESS_KEY_ID"])
	described := g.MustCLI("describe", "function", "no-role", "-o", "json")
	require.Contains(t, described, "no AWS credentials: roles: has no entry for "+role("unknown"))
	status := g.MustCLI("status", "-o", "json")
	require.Contains(t, status, "function order-validate as "+role("orders"))
	require.Contains(t, g.Log(), "event=aws.credentials.obtained")
	for _, s := range []string{"hunter2", "of-the-process", "db-password", got.SecretAccessKey, got.SessionToken} {
		require.NotContains(t, described+status+g.Log(), s)
	}
}

// invoked gives the environment a function has.
func invoked(t *testing.T, g *gantrytest.Gantry, name string) map[string]string {
	t.Helper()
	var out *lambda.InvokeOutput
	require.Eventually(t, func() bool { // the file is applied a little after the API answers
		var err error
		out, err = g.Lambda().Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(name)})
		return err == nil
	}, 30*time.Second, 100*time.Millisecond)
	var lines []string
	require.Nil(t, out.FunctionError, string(out.Payload))
	require.NoError(t, json.Unmarshal(out.Payload, &lines), string(out.Payload))
	vars := map[string]string{}
	for _, line := range lines {
		k, v, _ := strings.Cut(line, "=")
		vars[k] = v
	}
	return vars
}
