package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// guarded is an AWS API server of its own that checks signatures once it is told to. What
// its users may do is not its business here: the gate before it knows.
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

// user makes one and gives its access key.
func (g guarded) user(name string) (id, secret string) {
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	g.ask("iam", url.Values{"Action": {"CreateUser"}, "UserName": {name}, "Version": {"2010-05-08"}})
	g.ask("iam", url.Values{"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"all"}, "PolicyDocument": {everything}, "Version": {"2010-05-08"}})
	key := g.ask("iam", url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}, "Version": {"2010-05-08"}})
	of := func(tag string) string {
		return regexp.MustCompile("<" + tag + ">([^<]+)<").FindStringSubmatch(key)[1]
	}
	return of("AccessKeyId"), of("SecretAccessKey")
}

// count is how many messages wait in a queue.
func (g guarded) count(queue string) int {
	answer := g.ask("sqs", url.Values{"Action": {"GetQueueAttributes"}, "QueueUrl": {g.url + "/" + account + "/" + queue},
		"AttributeName.1": {"ApproximateNumberOfMessages"}, "Version": {"2012-11-05"}})
	n, err := strconv.Atoi(regexp.MustCompile("<Value>([^<]+)<").FindStringSubmatch(answer)[1])
	require.NoError(g.t, err)
	return n
}

func (g guarded) bucket(name string) {
	g.s3(http.MethodPut, name, `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`)
}

// objects is how many are in a bucket.
func (g guarded) objects(bucket string) int {
	return strings.Count(g.s3(http.MethodGet, bucket+"?list-type=2", ""), "<Key>")
}

// s3 makes a call of S3 as the administrator.
func (g guarded) s3(method, path, body string) string {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.url+"/"+path, strings.NewReader(body))
	require.NoError(g.t, err)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ADMIN/20300101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	return g.send(r)
}
