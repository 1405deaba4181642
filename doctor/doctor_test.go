package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/internal/freeport"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
)

// fakeCloud is as much of AWS as the doctor asks: STS, and dry runs of Lambda.
type fakeCloud struct {
	skew   time.Duration
	denied string // error code of every answer
}

// ServeHTTP implements http.Handler.
func (c fakeCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(c.skew).UTC().Format(http.TimeFormat))
	switch {
	case c.denied != "":
		w.Header().Set("X-Amzn-Errortype", c.denied)
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, c.denied)
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		if r.Header.Get("X-Amz-Invocation-Type") != "DryRun" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		_, _ = fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/gantry</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}
}

func to(t *testing.T, c fakeCloud) *Doctor {
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return &Doctor{Where: "the test", AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{
			Region: "eu-west-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "very-secret-key", ""),
		}, nil
	}}
}

var inLambda = []function.Function{{Name: "f", Kind: function.Lambda, ARN: "arn:aws:lambda:eu-west-1:123456789012:function:f"}}

func find(t *testing.T, r Report, what string) Step {
	t.Helper()
	for _, s := range r.Steps {
		if strings.HasPrefix(s.What, what) {
			return s
		}
	}
	t.Fatalf("no step %q in %+v", what, r.Steps)
	return Step{}
}

func TestTheRoadToAWS(t *testing.T) {
	t.Parallel()
	r := to(t, fakeCloud{}).Road(t.Context(), inLambda)
	require.True(t, r.OK, "%+v", r.Steps)
	require.Contains(t, find(t, r, "get credentials").Detail, "key id …MPLE, without expiry")
	require.Contains(t, find(t, r, "ask STS").Detail, "user/gantry")
	require.Contains(t, find(t, r, "invoke arn:").Detail, "may be invoked")
	require.Equal(t, "ok", find(t, r, "compare clocks").Result)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(text), "very-secret-key")
	require.NotContains(t, string(text), "AKIDEXAMPLE")

	r = to(t, fakeCloud{skew: time.Hour + 5*time.Second}).Road(t.Context(), nil)
	require.False(t, r.OK)
	require.Contains(t, find(t, r, "compare clocks").Detail, "differ by 1h0m")
	require.Contains(t, find(t, r, "compare clocks").Try, "NTP")

	r = to(t, fakeCloud{denied: "ExpiredToken"}).Road(t.Context(), inLambda)
	require.Contains(t, find(t, r, "ask STS").Try, "renew the credentials")
	require.Equal(t, "failed", find(t, r, "invoke arn:").Result)

	d := &Doctor{AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no profile, password=hunter2")
		})}, nil
	}}
	r = d.Road(t.Context(), nil)
	require.Equal(t, "skipped", find(t, r, "call AWS").Result)
	require.Contains(t, find(t, r, "get credentials").Detail, "password=***")
}

func TestWhatLooksLikeASecretIsTakenOut(t *testing.T) {
	t.Parallel()
	require.Equal(t, "dial http://user:***@proxy:3128 X-Amz-Signature=***&x=1 token: *** done",
		clean("dial http://user:pw@proxy:3128 X-Amz-Signature=abc&x=1 token: xyz done"))
}

// onFake is the one cluster there is.
type onFake struct{ *kafkatest.Fake }

// Resolve implements Sources.
func (f onFake) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) {
	return kafka.Cluster{Brokers: f.Brokers()}, nil
}

func TestAMappingIsLookedAtFromEndToEnd(t *testing.T) {
	t.Parallel()
	f := kafkatest.Local(t)
	require.NoError(t, f.CreateTopic("orders", 1, nil))
	require.NoError(t, f.CreateTopic("dead", 1, nil))
	kafkatest.ProduceValues(t, f, "orders", 0, `{"total":1}`, `{"total":500}`)
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	d := &Doctor{Sources: onFake{f}}
	c := Case{
		Mapping: mapping.Mapping{
			UUID: "u", Name: "orders", GroupID: "g", Enabled: true, Source: mapping.Source{Topics: []string{"orders"}}, OnFailure: "kafka://dead",
			Functions: []mapping.Consumer{{Function: "f", Filters: []string{`{"value":{"total":[{"numeric":[">",100]}]}}`}}}, RetryAttempts: 3, RecordAge: mapping.Endless,
		},
		Functions: map[string]function.Function{"f": {Name: "f", Kind: function.HTTP, URL: s.URL}},
		Running:   &mapping.Status{State: mapping.Enabled, ProcessingResult: mapping.OK},
	}
	r := d.Mapping(t.Context(), c)
	require.True(t, r.OK, "%+v", r.Steps)
	require.Contains(t, find(t, r, "the filters").Detail, "they keep 1 of the newest 2 records of orders-0")
	require.Contains(t, find(t, r, "reach the function f").Detail, "something listens")
	require.Equal(t, "ok", find(t, r, "permission: Write on topic dead").Result)
	require.Contains(t, find(t, r, "what becomes of a record that fails").Detail, "after 3 retries it goes to kafka://dead")

	nobody, err := freeport.Take()
	require.NoError(t, err)
	t.Cleanup(nobody.Release)
	c.Functions["f"] = function.Function{Name: "f", Kind: function.HTTP, URL: fmt.Sprintf("http://127.0.0.1:%d", nobody.Port)}
	c.Mapping.OnFailure = "kafka://nowhere"
	c.Standing = []string{"orders-0 at offset 1 (told to fail)"}
	r = d.Mapping(t.Context(), c)
	require.False(t, r.OK)
	require.Equal(t, "failed", find(t, r, "reach the function f").Result)
	require.Contains(t, find(t, r, "look at topic nowhere").Try, "create it")
	require.Contains(t, find(t, r, "the mapping").Detail, "not getting on: orders-0 at offset 1")
	delete(c.Functions, "f")
	require.Contains(t, find(t, d.Mapping(t.Context(), c), "the function f").Detail, "there is no such function")
}
