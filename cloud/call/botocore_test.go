package call_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/cloud/call"
	"gantry/internal/awspeer"
)

// catcher keeps the request instead of sending it.
type catcher struct {
	request *http.Request
	body    []byte
}

func (c *catcher) Do(r *http.Request) (*http.Response, error) {
	c.request = r
	if r.Body != nil {
		c.body, _ = io.ReadAll(r.Body)
	}
	return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(`{"__type":"Caught"}`)))}, nil
}

func (c *catcher) config(region string) aws.Config {
	return aws.Config{Region: region, HTTPClient: c, Credentials: credentials.NewStaticCredentialsProvider(awspeer.Key, awspeer.Secret, awspeer.Token)}
}

func (c *catcher) headers() map[string]string {
	headers := map[string]string{"Host": c.request.URL.Host}
	if c.request.Host != "" {
		headers["Host"] = c.request.Host
	}
	for name, values := range c.request.Header {
		headers[name] = strings.Join(values, ",")
	}
	if c.request.ContentLength > 0 {
		headers["Content-Length"] = strconv.FormatInt(c.request.ContentLength, 10)
	}
	return headers
}

// rounds is how many inputs are made up for each operation.
func rounds() int {
	if size := os.Getenv("GANTRY_TEST_SIZE"); size == "full" || size == "soak" {
		return 20
	}
	return 1
}

// Every operation of every bundled service, with inputs made up from its model, gives the
// request botocore gives, and botocore finds the signature right.
func TestRequestsAreBotocores(t *testing.T) {
	t.Parallel()
	peer := awspeer.Compare(t)
	calls := 0
	discovered := map[string]string{"timestream-write": "https://ingest.timestream.eu-west-2.amazonaws.com"}
	for _, service := range call.Services() {
		model, err := call.Open(service)
		require.NoError(t, err)
		caught := &catcher{}
		client, err := call.New(t.Context(), caught.config("eu-west-2"), model, call.Options{Endpoint: discovered[service]})
		require.NoError(t, err)
		for name := range model.Operations {
			if _, err := model.Operation(name); err != nil {
				require.ErrorContains(t, err, "event stream")
				continue
			}
			for round := range rounds() {
				input := call.MakeUp(model, name, rand.New(rand.NewPCG(uint64(round), uint64(len(name)))))
				faults := compared(t, peer, caught, client, service, name, input)
				require.Empty(t, faults, "%s %s %v", service, name, input)
				calls++
			}
		}
	}
	t.Logf("%d requests equal to botocore's", calls)
	require.Greater(t, calls, 1000)
}

func compared(t *testing.T, peer *awspeer.Comparer, caught *catcher, client *call.Client, service, name string, input map[string]any) []string {
	t.Helper()
	_, err := client.Call(context.Background(), call.Request{Operation: name, Input: input})
	require.ErrorContains(t, err, "Caught", "%s %s %v", service, name, input)
	return peer.Faults(t, awspeer.Request{Service: service, Operation: name, Params: input,
		Method: caught.request.Method, URL: caught.request.URL.String(), Headers: caught.headers(), Body: caught.body})
}

// A comparison that finds nothing wrong would prove nothing.
func TestTheComparisonSeesDifferences(t *testing.T) {
	t.Parallel()
	peer := awspeer.Compare(t)
	model, err := call.Open("sqs")
	require.NoError(t, err)
	caught := &catcher{}
	client, err := call.New(t.Context(), caught.config("eu-west-2"), model, call.Options{})
	require.NoError(t, err)
	input := map[string]any{"QueueUrl": "https://sqs/q", "MessageBody": "a"}
	require.Empty(t, compared(t, peer, caught, client, "sqs", "SendMessage", input))
	caught.body = []byte(`{"QueueUrl":"https://sqs/q","MessageBody":"b"}`)
	faults := peer.Faults(t, awspeer.Request{Service: "sqs", Operation: "SendMessage", Params: input,
		Method: "POST", URL: caught.request.URL.String(), Headers: caught.headers(), Body: caught.body})
	require.Len(t, faults, 2, "the body and the signature: %v", faults)
}

// AWS's hosts of every bundled service, in regions of each partition.
func TestEndpointsAreAWSs(t *testing.T) {
	t.Parallel()
	peer := awspeer.Compare(t)
	for _, service := range call.Services() {
		model, err := call.Open(service)
		require.NoError(t, err)
		for _, region := range []string{"eu-west-2", "us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"} {
			for _, fips := range []bool{false, true} {
				caught := &catcher{}
				cfg := caught.config(region)
				cfg.ConfigSources = []any{fipsSource(fips)}
				client, err := call.New(t.Context(), cfg, model, call.Options{})
				require.NoError(t, err)
				require.Equal(t, peer.Endpoint(t, service, region, fips), client.Endpoint(), "%s %s fips %v", service, region, fips)
			}
		}
	}
}

type fipsSource bool

func (f fipsSource) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if f {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, true, nil
}
