package call_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/cloud/call"
)

// answering is a service that gives one answer to everything.
type answering struct {
	status int
	header http.Header
	body   string
	err    error
	asked  *http.Request
}

func (a *answering) Do(r *http.Request) (*http.Response, error) {
	a.asked = r
	if a.err != nil {
		return nil, a.err
	}
	header := a.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func client(t *testing.T, service string, a *answering) *call.Client {
	t.Helper()
	model, err := call.Open(service)
	require.NoError(t, err)
	cfg := aws.Config{Region: "eu-west-2", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
	c, err := call.New(t.Context(), cfg, model, call.Options{})
	require.NoError(t, err)
	return c
}

func TestEveryFaultOfAnInputIsNamedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	a := &answering{status: 200, body: "{}"}
	_, err := client(t, "braket", a).Call(t.Context(), call.Request{Operation: "CreateQuantumTask", Input: map[string]any{
		"DeviceArn": "d", "shots": "many", "deviceParameters": map[string]any{"a": true}, "outputS3Bucket": "b", "tags": map[string]any{"a": json.Number("1")},
	}})
	var fault *call.InputError
	require.ErrorAs(t, err, &fault)
	require.Nil(t, a.asked)
	require.Equal(t, []string{
		"DeviceArn: there is no such member; write deviceArn",
		"action: is missing",
		"clientToken: is missing",
		"deviceArn: is missing",
		"outputS3Bucket: has 1 characters, want at least 3",
		"outputS3KeyPrefix: is missing",
		"shots: want an integer, not a text",
		"tags.a: want a text, not a number",
	}, fault.Faults)
}

func TestTokensAreFilledUnlessGiven(t *testing.T) {
	t.Parallel()
	a := &answering{status: 200, body: `{"quantumTaskArn":"arn:x"}`}
	input := map[string]any{"deviceArn": "d", "shots": 5, "action": map[string]any{"a": 1}, "outputS3Bucket": "bucket", "outputS3KeyPrefix": "p"}
	out, err := client(t, "braket", a).Call(t.Context(), call.Request{Operation: "CreateQuantumTask", Input: input, Token: "orders-0-7"})
	require.NoError(t, err)
	require.Equal(t, "arn:x", out.Output["quantumTaskArn"])
	body, err := io.ReadAll(a.asked.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"clientToken":"orders-0-7"`)
	require.Contains(t, string(body), `"action":"{\"a\":1}"`, "a text that holds JSON may be given as JSON")
	require.NotContains(t, input, "clientToken", "the caller's input stays as it is")
	input["clientToken"] = "own"
	_, err = client(t, "braket", a).Call(t.Context(), call.Request{Operation: "CreateQuantumTask", Input: input, Token: "orders-0-7"})
	require.NoError(t, err)
	body, err = io.ReadAll(a.asked.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"clientToken":"own"`)
}

func TestWhatBecameOfACall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		service, operation string
		input              map[string]any
		answer             answering
		class              call.Class
		code               string
		after              time.Duration
	}{
		"throttled": {service: "sqs", operation: "ListQueues", answer: answering{status: 400, header: http.Header{"Retry-After": {"3"}},
			body: `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`}, class: call.Throttled, code: "RequestThrottled", after: 3 * time.Second},
		"busy": {service: "kinesis", operation: "ListStreams", answer: answering{status: 400,
			body: `{"__type":"ProvisionedThroughputExceededException"}`}, class: call.Throttled, code: "ProvisionedThroughputExceededException"},
		"refused": {service: "bedrock-runtime", operation: "InvokeModel", input: map[string]any{"modelId": "m"}, answer: answering{status: 400,
			header: http.Header{"X-Amzn-Errortype": {"ValidationException:http://x/"}}, body: `{"message":"no"}`}, class: call.Refused, code: "ValidationException"},
		"denied": {service: "sns", operation: "ListTopics", answer: answering{status: 403,
			body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>bad</Message></Error></ErrorResponse>`}, class: call.Denied, code: "InvalidClientTokenId"},
		"not there": {service: "dynamodb", operation: "ListTables", answer: answering{status: 400, body: `{"__type":"x#ResourceNotFoundException"}`},
			class: call.Impossible, code: "ResourceNotFoundException"},
		"failed":      {service: "sqs", operation: "ListQueues", answer: answering{status: 503, body: "<html>"}, class: call.Failed},
		"not reached": {service: "sqs", operation: "ListQueues", answer: answering{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, class: call.Unreached},
		"not read":    {service: "sqs", operation: "ListQueues", answer: answering{status: 200, body: "{"}, class: call.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, c.service, &c.answer).Call(t.Context(), call.Request{Operation: c.operation, Input: c.input})
			var e *call.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.class, e.Class, err)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.after, e.RetryAfter)
			require.Equal(t, c.service, e.Service)
		})
	}
}

func TestAnswersAreReadByTheModel(t *testing.T) {
	t.Parallel()
	sns := &answering{status: 200, body: `<PublishBatchResponse><PublishBatchResult><Successful><member><Id>0</Id><MessageId>m</MessageId></member></Successful>` +
		`<Failed><member><Id>1</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed></PublishBatchResult></PublishBatchResponse>`}
	out, err := client(t, "sns", sns).Call(t.Context(), call.Request{Operation: "PublishBatch", Input: map[string]any{"TopicArn": "a",
		"PublishBatchRequestEntries": []any{map[string]any{"Id": "0", "Message": "m"}}}})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"Successful": []any{map[string]any{"Id": "0", "MessageId": "m"}},
		"Failed":     []any{map[string]any{"Id": "1", "Code": "InternalError", "SenderFault": false}},
	}, out.Output)
	model := &answering{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: `{"n":12345678901234567890}`}
	out, err = client(t, "bedrock-runtime", model).Call(t.Context(), call.Request{Operation: "InvokeModel", Input: map[string]any{"modelId": "a:b/c", "body": map[string]any{"q": "<"}}})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"body": []byte(`{"n":12345678901234567890}`), "contentType": "application/json"}, out.Output)
	require.Equal(t, "/model/a%3Ab%2Fc/invoke", model.asked.URL.EscapedPath())
	body, err := io.ReadAll(model.asked.Body)
	require.NoError(t, err)
	require.Equal(t, `{"q":"<"}`, string(body))
}

func TestWhatIsNotSpokenIsSaid(t *testing.T) {
	t.Parallel()
	_, err := call.Open("s3")
	require.ErrorContains(t, err, "no model of a service \"s3\" is bundled; there are athena, ")
	_, err = call.Read("s3", strings.NewReader(`{"metadata":{"protocol":"rest-xml","endpointPrefix":"s3"},"operations":{"A":{}}}`))
	require.ErrorContains(t, err, `its protocol is "rest-xml"; spoken are json, rest-json, query`)
	_, err = client(t, "bedrock-runtime", &answering{}).Call(t.Context(), call.Request{Operation: "ConverseStream"})
	require.ErrorContains(t, err, "event stream")
	_, err = client(t, "sqs", &answering{}).Call(t.Context(), call.Request{Operation: "SendMessages"})
	require.ErrorContains(t, err, `sqs has no operation "SendMessages"; it has AddPermission, `)
}

// sources are the settings of a configuration as gantry's aws: section makes them.
type sources map[string]string

func (s sources) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	u, ok := s[id]
	return u, ok, nil
}

func TestEndpointsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	a := &answering{status: 200, body: "{}"}
	cfg := aws.Config{Region: "eu-west-2", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		BaseEndpoint: aws.String("http://all:1"), ConfigSources: []any{sources{"SFN": "http://sfn:2/base"}}}
	for service, want := range map[string]string{"sqs": "http://all:1/", "stepfunctions": "http://sfn:2/base/"} {
		model, err := call.Open(service)
		require.NoError(t, err)
		c, err := call.New(t.Context(), cfg, model, call.Options{})
		require.NoError(t, err)
		operation := map[string]string{"sqs": "ListQueues", "stepfunctions": "ListActivities"}[service]
		_, err = c.Call(t.Context(), call.Request{Operation: operation})
		require.NoError(t, err)
		require.Equal(t, want, a.asked.URL.String())
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"metadata":{"protocol":"rest-json","endpointPrefix":"a"},"operations":{"Do":{"http":{"requestUri":"/{A}"},"input":{"shape":"I"},"output":{"shape":"I"}}},`+
		`"shapes":{"I":{"type":"structure","members":{"A":{"shape":"S","location":"uri"},"L":{"shape":"L"}}},"S":{"type":"string"},"L":{"type":"list","member":{"shape":"I"}}}}`),
		[]byte(`{"A":"x","L":[{"A":"y"}]}`))
	f.Add([]byte(`{"metadata":{"protocol":"query","endpointPrefix":"a"},"operations":{"Do":{"output":{"shape":"I"}}},"shapes":{"I":{"type":"structure","members":{}}}}`), []byte(`<a><b/></a>`))
	f.Fuzz(func(t *testing.T, file, body []byte) {
		model, err := call.Read("made-up", bytes.NewReader(file))
		if err != nil {
			return
		}
		var input map[string]any
		_ = json.Unmarshal(body, &input)
		a := &answering{status: 200, body: string(body)}
		cfg := aws.Config{Region: "eu-west-2", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
		c, err := call.New(t.Context(), cfg, model, call.Options{Endpoint: "http://127.0.0.1:1"})
		if err != nil {
			return
		}
		for name := range model.Operations {
			_, _ = c.Call(t.Context(), call.Request{Operation: name, Input: input})
		}
	})
}
