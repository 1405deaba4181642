package aws_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"gantry/cloud"
)

func role(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func quiet(c cloud.Config, secrets cloud.Secrets) *cloud.Cloud {
	return cloud.New(c, cloud.Options{Region: "eu-west-1", Secrets: secrets, Log: slog.New(slog.DiscardHandler)})
}

func retrieve(t *testing.T, c *cloud.Cloud) aws.Credentials {
	t.Helper()
	cfg, err := c.Config(t.Context())
	require.NoError(t, err)
	v, err := cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	return v
}

// process is a credential process: it prints AWS's document and notes that it was run.
func process(t *testing.T, lives time.Duration) (command, runs string) {
	t.Helper()
	dir := t.TempDir()
	runs = filepath.Join(dir, "runs")
	script := fmt.Sprintf(`echo run >> %s
echo "{\"Version\":1,\"AccessKeyId\":\"AKIAPROCESS000000000\",\"SecretAccessKey\":\"of-the-process\",\"Expiration\":\"$(date -u -d '+%d seconds' +%%Y-%%m-%%dT%%H:%%M:%%SZ)\"}"
`, runs, int(lives.Seconds()))
	path := filepath.Join(dir, "helper.sh")
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	return "sh " + path + " credential-process --role-arn " + role("gantry"), runs
}

func TestCredentialProcess(t *testing.T) {
	t.Parallel()
	command, runs := process(t, time.Hour)
	c := quiet(cloud.Config{CredentialProcess: command}, nil)
	for range 3 {
		v := retrieve(t, c)
		require.Equal(t, "AKIAPROCESS000000000", v.AccessKeyID)
	}
	ran, err := os.ReadFile(runs)
	require.NoError(t, err)
	require.Equal(t, "run\n", string(ran))
	require.WithinDuration(t, time.Now().Add(time.Hour), c.Identities()[0].Expires, time.Minute)

	_, err = func() (aws.Credentials, error) {
		cfg, err := quiet(cloud.Config{CredentialProcess: "exit 3"}, nil).Config(t.Context())
		require.NoError(t, err)
		return cfg.Credentials.Retrieve(t.Context())
	}()
	require.ErrorContains(t, err, "get credentials for AWS (gantry)")
	require.ErrorContains(t, err, "exit status 3")
}

// A process takes a role on, and that role takes on another for a function: STS says who
// each of them is.
func TestRoles(t *testing.T) {
	t.Parallel()
	url := moto(t)
	command, _ := process(t, time.Hour)
	c := quiet(cloud.Config{
		CredentialProcess: command, Endpoints: map[string]string{"sts": url},
		AssumeRole: cloud.AssumeRole{RoleARN: role("gantry"), ExternalID: "7e1c", SessionName: "rack-4", Duration: 15 * time.Minute},
	}, nil)
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/gantry/rack-4", caller(t, retrieve(t, c)))
	id := c.Identities()[0]
	require.WithinDuration(t, time.Now().Add(15*time.Minute), id.Expires, time.Minute)
	require.True(t, id.Good())

	roles := cloud.Roles{role("orders"): {Assume: true}, role("nothing"): {None: true}}
	v, err := c.Role(roles, "order-validate", role("orders"))(t.Context())
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/orders/order-validate", caller(t, v))
	require.WithinDuration(t, time.Now().Add(time.Hour), v.Expires, time.Minute, "the real end, not the cache's")
	require.Nil(t, c.Role(roles, "order-validate", role("nothing")))
	require.Nil(t, c.Role(roles, "order-validate", role("unknown")))
	require.Len(t, c.Identities(), 2)
}

func TestWebIdentity(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("eyJhbGciOiJub25lIn0.eyJzdWIiOiJnYW50cnkifQ."), 0o600))
	c := quiet(cloud.Config{
		Endpoints:   map[string]string{"sts": moto(t)},
		WebIdentity: cloud.WebIdentity{RoleARN: role("k8s"), TokenFile: token, SessionName: "pod-7"},
	}, nil)
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/k8s/pod-7", caller(t, retrieve(t, c)))

	require.NoError(t, os.Remove(token))
	gone := quiet(cloud.Config{Endpoints: map[string]string{"sts": moto(t)}, WebIdentity: cloud.WebIdentity{RoleARN: role("k8s"), TokenFile: token}}, nil)
	cfg, err := gone.Config(t.Context())
	require.NoError(t, err)
	_, err = cfg.Credentials.Retrieve(t.Context())
	require.ErrorContains(t, err, token)
}

// fixed is the one secret there is.
type fixed string

func (f fixed) One(context.Context, string) (string, error) {
	if f == "" {
		return "", errors.New("read the secret secret:proxy: it is not there")
	}
	return string(f), nil
}

// Everything goes to AWS's own host names, through a proxy that wants a password and
// opens TLS with a private CA.
func TestProxyThatOpensTLS(t *testing.T) {
	t.Parallel()
	p, address, ca := open(t, moto(t), "ann", "hunter2")
	command, _ := process(t, time.Hour)
	through := cloud.Config{
		Region: "eu-west-1", CredentialProcess: command, Proxy: "secret:proxy", CABundle: ca,
		AssumeRole: cloud.AssumeRole{RoleARN: role("gantry"), ExternalID: "7e1c"},
	}
	ask := func(c cloud.Config, s cloud.Secrets) error {
		cfg, err := quiet(c, s).Config(t.Context())
		if err != nil {
			return err
		}
		cfg.RetryMaxAttempts = 1
		_, err = secretsmanager.NewFromConfig(cfg).ListSecrets(t.Context(), nil)
		return err
	}
	require.NoError(t, ask(through, fixed("http://ann:hunter2@"+address)))
	require.Equal(t, "sts.eu-west-1.amazonaws.com secretsmanager.eu-west-1.amazonaws.com", p.hosts())
	require.True(t, p.sent("ExternalId=7e1c"))
	require.Zero(t, p.refused)

	t.Run("a wrong password", func(t *testing.T) {
		err := ask(through, fixed("http://ann:wrong@"+address))
		require.ErrorContains(t, err, "Proxy Authentication Required")
		require.NotContains(t, err.Error(), "wrong@")
	})
	t.Run("no such secret", func(t *testing.T) {
		require.ErrorContains(t, ask(through, fixed("")), "aws.proxy: read the secret secret:proxy: it is not there")
	})
	t.Run("without the CA", func(t *testing.T) {
		strict := through
		strict.CABundle = ""
		require.ErrorContains(t, ask(strict, fixed("http://ann:hunter2@"+address)), "x509: certificate signed by unknown authority")
	})
	t.Run("a CA file that is not there", func(t *testing.T) {
		missing := through
		missing.CABundle = filepath.Join(t.TempDir(), "ca.pem")
		require.ErrorContains(t, ask(missing, fixed("http://ann:hunter2@"+address)), "aws.caBundle: open "+missing.CABundle)
	})
	t.Run("FIPS", func(t *testing.T) {
		fips := through
		fips.FIPS, fips.Region = true, "us-east-1"
		require.NoError(t, ask(fips, fixed("http://ann:hunter2@"+address)))
		require.Contains(t, p.hosts(), "sts-fips.us-east-1.amazonaws.com secretsmanager-fips.us-east-1.amazonaws.com")
	})
	t.Run("not for these hosts", func(t *testing.T) {
		before := p.hosts()
		around := through
		around.AssumeRole = cloud.AssumeRole{}
		around.Endpoints = map[string]string{"secretsmanager": "https://aws.internal.invalid"}
		around.NoProxy = []string{".internal.invalid"}
		require.ErrorContains(t, ask(around, fixed("http://ann:hunter2@"+address)), "aws.internal.invalid")
		require.Equal(t, before, p.hosts(), "it went through the proxy all the same")
	})
}
