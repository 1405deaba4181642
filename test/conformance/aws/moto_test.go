package aws_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// The account that moto answers for.
const account = "123456789012"

var server struct {
	once sync.Once
	url  string
	cmd  *exec.Cmd
}

func TestMain(m *testing.M) {
	code := kafkatest.Main(m)
	if server.cmd != nil {
		_ = server.cmd.Process.Kill()
		_ = server.cmd.Wait()
	}
	os.Exit(code)
}

// moto is the URL of an AWS API server that all tests share.
func moto(t *testing.T) string {
	t.Helper()
	program := gantrytest.Kit(t, "venv-moto", "moto_server")
	server.once.Do(func() {
		port := gantrytest.FreePort(t)
		server.cmd = exec.Command(program, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
		server.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		require.NoError(t, server.cmd.Start())
		server.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	})
	require.Eventually(t, func() bool {
		res, err := http.Get(server.url + "/moto-api/data.json")
		return err == nil && res.Body.Close() == nil
	}, 60*time.Second, 50*time.Millisecond, "moto does not answer")
	return server.url
}

// caller says whose credentials these are, by STS itself.
func caller(t *testing.T, c aws.Credentials) string {
	t.Helper()
	client := sts.New(sts.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(moto(t)),
		Credentials: credentials.StaticCredentialsProvider{Value: c},
	})
	out, err := client.GetCallerIdentity(context.Background(), nil)
	require.NoError(t, err)
	return *out.Arn
}

// secretARN stores a secret and gives its ARN.
func secretARN(t *testing.T, name, content string) string {
	t.Helper()
	client := secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(moto(t)),
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "test", ""),
	})
	out, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &content})
	require.NoError(t, err)
	return *out.ARN
}
