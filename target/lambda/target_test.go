package lambda_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"gantry/function"
	"gantry/internal/fakelambda"
	"gantry/mapping"
	"gantry/target/lambda"
)

const orders = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"

// account is credentials for a region that is not the function's, with the SDK's own
// retries on: neither may matter.
func account() aws.Config {
	return aws.Config{
		Region: "us-east-1", RetryMaxAttempts: 5,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s3cret", ""),
	}
}

func open(t *testing.T, c lambda.Config) *lambda.Target {
	t.Helper()
	if c.AWS.Credentials == nil {
		c.AWS = account()
	}
	target, err := lambda.New(orders, c)
	require.NoError(t, err)
	t.Cleanup(target.Close)
	return target
}

func event() function.Invocation { return function.Invocation{Payload: []byte(`{"records":{}}`)} }

func TestErrorsOfTheService(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		status int
		want   function.Class
	}{
		"ServiceException":                         {500, function.NotReached},
		"EC2ThrottledException":                    {502, function.NotReached},
		"ENILimitReachedException":                 {502, function.NotReached},
		"ServiceUnavailable":                       {503, function.NotReached},
		"GatewayTimeout":                           {504, function.NotReached},
		"EFSMountTimeoutException":                 {408, function.NotReached},
		"EFSIOException":                           {410, function.NotReached},
		"TooManyRequestsException":                 {429, function.NotReached},
		"RequestTooLargeException":                 {413, function.TooLarge},
		"SerializedRequestEntityTooLargeException": {413, function.TooLarge},
		"InvalidParameterValueException":           {400, function.Misconfigured},
		"RecursiveInvocationException":             {400, function.Misconfigured},
		"ServiceQuotaExceededException":            {402, function.Misconfigured},
		"AccessDeniedException":                    {403, function.Misconfigured},
		"ResourceNotFoundException":                {404, function.Misconfigured},
		"ResourceConflictException":                {409, function.Misconfigured},
		"UnsupportedMediaTypeException":            {415, function.Misconfigured},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			fake := fakelambda.Start(t, fakelambda.Status(c.status, code))
			out := open(t, lambda.Config{Endpoint: fake.URL}).Invoke(t.Context(), event())
			require.Equal(t, c.want, out.Class, out.Message)
			require.Equal(t, c.status, out.StatusCode)
			require.Equal(t, c.status == 429, out.Throttled)
			require.Equal(t, c.want == function.Misconfigured, out.Problem == mapping.ProblemFunction)
			require.Contains(t, out.Message, code)
			require.Contains(t, out.Message, orders)
			require.NotEmpty(t, out.RequestID)
			require.Len(t, fake.Calls(), 1, "the SDK does not retry")
		})
	}
}

// What a proxy on the path says is not what Lambda says.
func TestErrorsOfAProxy(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]function.Class{
		502: function.Unknown, 504: function.Unknown, 503: function.NotReached, 403: function.Misconfigured, 407: function.Misconfigured,
	} {
		fake := fakelambda.Start(t, fakelambda.Proxy(status))
		out := open(t, lambda.Config{Endpoint: fake.URL}).Invoke(t.Context(), event())
		require.Equal(t, want, out.Class, "%d: %s", status, out.Message)
		require.Len(t, fake.Calls(), 1)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := fakelambda.Start(t)
		fake := fakelambda.Start(t, fakelambda.Redirect(status, elsewhere.URL))
		out := open(t, lambda.Config{Endpoint: fake.URL}).Invoke(t.Context(), event())
		require.Equal(t, function.Misconfigured, out.Class, "%d: %s", status, out.Message)
		require.Empty(t, elsewhere.Calls())
	}
}

func TestWhatLambdaReceives(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, fakelambda.Answer(`{"ok":true}`))
	in := event()
	in.TraceID, in.ClientContext, in.LogTail = "Root=1-5e-1", "e30=", true
	out := open(t, lambda.Config{Endpoint: fake.URL}).Invoke(t.Context(), in)
	require.Equal(t, function.Succeeded, out.Class, out.Message)
	require.Equal(t, `{"ok":true}`, string(out.Answer))
	require.Equal(t, "$LATEST", out.ExecutedVersion)
	require.Contains(t, string(out.Log), "the function's log")
	call := fake.Calls()[0]
	require.Equal(t, orders, call.Function)
	require.Equal(t, `{"records":{}}`, string(call.Payload))
	require.Equal(t, "Root=1-5e-1", call.Header.Get("X-Amzn-Trace-Id"))
	require.Equal(t, "e30=", call.Header.Get("X-Amz-Client-Context"))
	require.Equal(t, "Tail", call.Header.Get("X-Amz-Log-Type"))
	require.Contains(t, call.Header.Get("Authorization"), "/eu-west-1/lambda/", "the region is the ARN's")
}

func TestAFunctionErrorIsAnAnswer(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t, fakelambda.Fail("ValueError", "card 4111-1111 is bad"))
	out := open(t, lambda.Config{Endpoint: fake.URL}).Invoke(t.Context(), event())
	require.Equal(t, function.Failed, out.Class)
	require.Equal(t, "Unhandled", out.FunctionError)
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.JSONEq(t, `{"errorType":"ValueError","errorMessage":"card 4111-1111 is bad"}`, string(out.Answer))
	require.Contains(t, out.Message, "ValueError")
	require.NotContains(t, out.Message, "4111")
}

func TestWithoutCredentialsNothingIsSent(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t)
	config := account()
	config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("the SSO session has expired")
	})
	out := open(t, lambda.Config{AWS: config, Endpoint: fake.URL}).Invoke(t.Context(), event())
	require.Equal(t, function.Misconfigured, out.Class)
	require.Contains(t, out.Message, "the SSO session has expired")
	require.Empty(t, fake.Calls())
}

// Credentials are fetched under the same context. What is written for them is no event.
func TestCredentialsFetchedOverHTTPAreNoEvent(t *testing.T) {
	t.Parallel()
	sts := fakelambda.Start(t, fakelambda.CutAfterRun())
	config := account()
	config.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, sts.URL, strings.NewReader("{}"))
		if err != nil {
			return aws.Credentials{}, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return aws.Credentials{}, err
	})
	fake := fakelambda.Start(t)
	out := open(t, lambda.Config{AWS: config, Endpoint: fake.URL}).Invoke(t.Context(), event())
	require.Contains(t, []function.Class{function.Misconfigured, function.NotReached}, out.Class, out.Message)
	require.Len(t, sts.Calls(), 1)
	require.Empty(t, fake.Calls())
}

func TestAProbableIdleTimeoutIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var net kfake.VirtualNetwork
		l, err := net.Listen("tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		fake := fakelambda.On(l, fakelambda.CutAfter(350*time.Second))
		target, err := lambda.New(orders, lambda.Config{AWS: account(), Endpoint: fake.URL, Dial: net.DialContext})
		require.NoError(t, err)
		for call := 1; call <= 3; call++ {
			out := target.Invoke(t.Context(), event())
			require.Equal(t, function.Unknown, out.Class, out.Message)
			require.Equal(t, call == 3, strings.Contains(out.Message, "idle timeout"), out.Message)
		}
		fake.Do(fakelambda.Hang())
		out := target.Invoke(t.Context(), event())
		require.Equal(t, function.Unknown, out.Class)
		require.Equal(t, function.MaxTimeout+10*time.Second, out.Elapsed, "the timeout and its margin")
		target.Close()
		fake.Close()
		synctest.Wait()
	})
}

func TestAllFaultsOfATargetAtOnce(t *testing.T) {
	t.Parallel()
	config := account()
	config.HTTPClient = http.DefaultClient
	_, err := lambda.New("orders", lambda.Config{AWS: config, Timeout: -1, Margin: -1, Conns: -1})
	for _, want := range []string{`"orders"`, "HTTP client", "timeout", "margin", "conns"} {
		require.ErrorContains(t, err, want)
	}
	for _, bad := range []string{"", "arn:aws:s3:::bucket", "arn:aws:lambda::123456789012:function:f", "arn:aws:lambda:eu-west-1:123456789012:layer:l"} {
		_, err := lambda.New(bad, lambda.Config{AWS: account()})
		require.ErrorContains(t, err, "is not the ARN of a function", bad)
	}
}
