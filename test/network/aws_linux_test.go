package network_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const awsFunction = `def handler(event, context):
    return {"topics": sorted(event["records"])}
`

// AWS's API, the brokers and the function are behind a proxy: the login to the brokers
// comes from Secrets Manager, the records go to a function in Lambda. A password that is
// rotated while the proxy is away is asked for again when the brokers refuse the old one.
func TestAWSThroughAProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	broker := w.kafka.SASLBrokers()[0]
	_, port, err := net.SplitHostPort(broker)
	require.NoError(t, err)
	api := w.aws()
	proxy := w.httpProxy(port, api)
	cfg := w.awsConfig(api)
	secrets, functions := secretsmanager.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	w.kafka.AddUser(t, "rotated", "first")
	made, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: ptr("kafka"), SecretString: ptr(`{"username":"rotated","password":"first"}`)})
	require.NoError(t, err)
	fn, err := functions.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: ptr("score"), Runtime: types.RuntimePython312, Handler: ptr("app.handler"), Role: ptr("arn:aws:iam::123456789012:role/r"),
		Code: &types.FunctionCode{ZipFile: gantrytest.Zip(t, gantrytest.PythonFunction(t, awsFunction))},
	})
	require.NoError(t, err)
	require.NoError(t, lambda.NewFunctionActiveV2Waiter(functions, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: ptr("score")}, time.Minute))

	topic := w.topic()
	g := w.gantry(fmt.Sprintf(`
networks:
  way: {proxy: "http://%[1]s:8888", proxyLogin: "file:./proxy.json", allow: ["aws.internal:%[2]s", "kafka.internal:%[3]s"]}
aws: {region: eu-west-1, endpoint: "http://aws.internal:%[2]s", network: way}
secrets: [{prefix: "arn:aws:secretsmanager:", from: aws}]
clusters:
  onprem: {brokers: ["%[4]s"], tls: {ca: "file:./ca.pem"}, sasl: {mechanism: SCRAM-SHA-512, secret: "%[5]s"}, network: way}
functions:
  score: {arn: "%[6]s"}
mappings:
  scores: {function: score, cluster: onprem, topic: %[7]s, startingPosition: TRIM_HORIZON}
`, edgeName, api, port, broker, aws.ToString(made.ARN), aws.ToString(fn.FunctionArn), topic),
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	w.settles("gantry.scores", topic, 3)

	proxy.Kill()
	w.kafka.AddUser(t, "rotated", "second")
	_, err = secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: ptr(`{"username":"rotated","password":"second"}`)})
	require.NoError(t, err)
	kafkatest.ProduceValues(t, w.kafka, topic, 0, "d", "e")
	w.httpProxy(port, api)
	w.settles("gantry.scores", topic, 5)
	require.Contains(t, g.Log(), "gantry")
	for _, hidden := range []string{"first", "second", password} {
		require.NotContains(t, g.Log(), `"`+hidden, "a secret in the log")
	}
}

// awsConfig reaches the AWS API server from where it runs.
func (w *world) awsConfig(port string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: ptr("http://127.0.0.1:" + port),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{DialContext: w.dc.Dial}},
	}
}
