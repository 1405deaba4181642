package door_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/api/door"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// fakeLambda answers three operations well enough for a client to believe it.
func fakeLambda(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		_, _ = w.Write(body)
	case strings.HasPrefix(r.URL.Path, "/2017-03-31/tags/"):
		_ = json.NewEncoder(w).Encode(map[string]any{"Tags": map[string]string{"actor": door.Actor(r.Context())}})
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"EventSourceMappings": []any{map[string]string{"UUID": r.URL.Query().Get("FunctionName")}}})
	}
}

const anARN = "arn:aws:lambda:eu-west-1:000000000000:function:fn:live"

func TestGoSDK(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{}, fakeLambda)
	open := func(secret, token string) *lambda.Client {
		return lambda.New(lambda.Options{
			BaseEndpoint: aws.String("http://" + address), Region: "eu-west-1",
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: testID, SecretAccessKey: secret, SessionToken: token}, nil
			}),
		})
	}
	for _, token := range []string{"", "IQoJb3JpZ2luX2VjEXAMPLE//token+="} {
		client := open(testSecret, token)
		invoked, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(anARN), Payload: []byte(`{"ä":1}`), ClientContext: aws.String("eyJhIjogICAxfQ==")})
		require.NoError(t, err)
		require.Equal(t, `{"ä":1}`, string(invoked.Payload))
		listed, err := client.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(anARN), MaxItems: aws.Int32(10)})
		require.NoError(t, err)
		require.Equal(t, anARN, *listed.EventSourceMappings[0].UUID)
		tags, err := client.ListTags(t.Context(), &lambda.ListTagsInput{Resource: aws.String(anARN)})
		require.NoError(t, err)
		require.Equal(t, testID, tags.Tags["actor"])
	}
	_, err := open("another-secret-another-secret", "").ListTags(t.Context(), &lambda.ListTagsInput{Resource: aws.String(anARN)})
	var refused smithy.APIError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, "InvalidSignatureException", refused.ErrorCode())
	require.Contains(t, refused.ErrorMessage(), "does not match the signature you provided")
}

// TestCommandLine runs the unmodified aws CLI with the credentials file gantry made.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("the aws command line is not installed")
	}
	address, env := withDataKey(t)
	call := func(env []string, args ...string) (string, error) {
		return run(t, env, aws, append([]string{"--endpoint-url", "http://" + address, "--output", "text", "lambda"}, args...)...)
	}
	out, err := call(env, "list-event-source-mappings", "--function-name", anARN, "--query", "EventSourceMappings[0].UUID")
	require.NoError(t, err, out)
	require.Equal(t, anARN, out)

	stranger := append(env, "AWS_ACCESS_KEY_ID=AKIDSTRANGER", "AWS_SECRET_ACCESS_KEY=x")
	out, err = call(stranger, "list-event-source-mappings")
	require.Error(t, err)
	require.Contains(t, out, "(UnrecognizedClientException)")
	require.Contains(t, out, "The security token included in the request is invalid.")
}

const botoScript = `
import boto3, botocore.config, botocore.exceptions, sys
client = boto3.client("lambda", endpoint_url=sys.argv[1], region_name="eu-west-1")
arn = sys.argv[2]
assert client.invoke(FunctionName=arn, Payload=b'{"a":1}')["Payload"].read() == b'{"a":1}'
assert client.list_tags(Resource=arn)["Tags"]["actor"] == sys.argv[3]
unsigned = boto3.client("lambda", endpoint_url=sys.argv[1], region_name="eu-west-1",
    config=botocore.config.Config(signature_version=botocore.UNSIGNED))
try:
    unsigned.list_tags(Resource=arn)
except botocore.exceptions.ClientError as e:
    print(e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"], len(e.response["ResponseMetadata"]["RequestId"]))
`

// TestBoto3 runs the unmodified Python SDK with the credentials file gantry made.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := pythonWith(t, "boto3")
	address, env := withDataKey(t)
	key := strings.TrimPrefix(env[len(env)-1], "KEY_ID=")
	out, err := run(t, env, python, "-c", botoScript, "http://"+address, anARN, key)
	require.NoError(t, err, out)
	require.Equal(t, "MissingAuthenticationTokenException 403 36", out)
}

// pythonWith finds a Python that has a package: the one of the test cache, or the one on
// the path.
func pythonWith(t *testing.T, pkg string) string {
	t.Helper()
	cache := os.Getenv("GANTRY_CACHE")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache", "gantry")
	}
	found, _ := filepath.Glob(filepath.Join(cache, "*", "bin", "python3"))
	for _, python := range append(found, "python3") {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := exec.CommandContext(ctx, python, "-c", "import "+pkg).Run()
		cancel()
		if err == nil {
			return python
		}
	}
	t.Skipf("no Python with %s: neither in a venv below %s nor as python3", pkg, cache)
	return ""
}

// withDataKey serves fakeLambda behind the key pair of a data directory, and gives an
// environment that names that pair and nothing else of AWS. Its last entry is the key id.
func withDataKey(t *testing.T) (address string, env []string) {
	t.Helper()
	dir := t.TempDir()
	key, _, err := door.DataKey(t.Context(), dir)
	require.NoError(t, err)
	keys, err := door.NewKeys(key)
	require.NoError(t, err)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "AWS_") {
			env = append(env, pair)
		}
	}
	return listenWith(t, keys), append(env,
		"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, door.CredentialsFile), "AWS_CONFIG_FILE="+filepath.Join(dir, "none"),
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=127.0.0.1", "KEY_ID="+key.ID)
}

func listenWith(t *testing.T, keys door.Keys) string {
	t.Helper()
	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	h, err := door.New(door.Config{Listen: l.Addr().String(), Keys: keys}, http.HandlerFunc(fakeLambda))
	require.NoError(t, err)
	server := door.Server(h, quiet())
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

func run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
