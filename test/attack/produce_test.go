package attack_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const (
	writerSecret = "secret-of-the-writers-key-5"
	otherSecret  = "secret-of-the-others-key-6"
)

const writersFile = `
keys:
  - {id: WRITER, secret: "env:ATTACK_WRITER", function: writer}
  - {id: OTHER, secret: "env:ATTACK_OTHER", function: other}
clusters: {local: {embedded: true}}
functions:
  writer: {http: "http://127.0.0.1:1/", produce: {cluster: local, topics: [allowed]}}
  other: {http: "http://127.0.0.1:1/", produce: {cluster: local, topics: [theirs]}}
`

// signed is a request under a key of a function.
func signed(t *testing.T, url, id, method, path, body string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	digest := sha256.Sum256([]byte(body))
	who := aws.Credentials{AccessKeyID: id, SecretAccessKey: map[string]string{"WRITER": writerSecret, "OTHER": otherSecret}[id]}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(digest[:]), "lambda", "us-east-1", time.Now()))
	return r
}

// TestWriters: a key that speaks for a function writes where the function may, and does
// nothing else.
func TestWriters(t *testing.T) {
	t.Parallel()
	g := gantrytest.Start(t, gantrytest.Options{Config: writersFile, Env: []string{"ATTACK_WRITER=" + writerSecret, "ATTACK_OTHER=" + otherSecret}})
	const path, one = "/gantry/v1/topics/allowed/records", `{"records":[{"valueText":"x"}]}`
	require.Eventually(t, func() bool { // its file is applied
		status, _, _ := do(t, signed(t, g.URL, "WRITER", "POST", path, one, map[string]string{"X-Try": time.Now().String()}))
		return status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	many := `{"records":[` + strings.Repeat(`{"valueText":"x"},`, 10_000) + `{"valueText":"x"}]}`
	for name, c := range map[string]struct {
		id, method, path, body string
		header                 map[string]string
		want                   []int
	}{
		"another function's key":        {id: "OTHER", want: []int{403}},
		"a topic that is not allowed":   {path: "/gantry/v1/topics/theirs/records", want: []int{403}},
		"a prefix of the topic":         {path: "/gantry/v1/topics/allow/records", want: []int{403}},
		"the topic in other letters":    {path: "/gantry/v1/topics/ALLOWED/records", want: []int{403}},
		"slashes and dots encoded":      {path: "/gantry/v1/topics/allowed%2f..%2ftheirs/records", want: []int{400, 403, 404}},
		"dots":                          {path: "/gantry/v1/topics/allowed/../theirs/records", want: []int{307, 400, 403, 404}},
		"a NUL behind the topic":        {path: "/gantry/v1/topics/allowed%00/records", want: []int{400, 403, 404}},
		"two slashes":                   {path: "/gantry/v1/topics//allowed/records", want: []int{307, 400, 403, 404}},
		"another method":                {method: "GET", want: []int{403, 404, 405}},
		"more than there is room for":   {body: `{"records":[{"valueText":"` + strings.Repeat("x", 6_291_556) + `"}]}`, want: []int{413}},
		"too many records":              {body: many, want: []int{400}},
		"no JSON":                       {body: "records", want: []int{400}},
		"a form, as a browser sends it": {body: "records=x", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, want: []int{400, 415}},
		"the cluster chosen by itself":  {body: `{"cluster":"other","records":[{"valueText":"x"}]}`, want: []int{400}},
		"what runs":                     {method: "GET", path: "/gantry/v1/status", want: []int{403}},
		"an invocation":                 {path: "/2015-03-31/functions/writer/invocations", body: "{}", want: []int{403}},
		"a foreign page":                {header: map[string]string{"Origin": "https://evil.example"}, want: []int{403}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.id == "" {
				c.id = "WRITER"
			}
			if c.method == "" {
				c.method = "POST"
			}
			if c.path == "" {
				c.path = path
			}
			if c.body == "" {
				c.body = one
			}
			r := signed(t, g.URL, c.id, c.method, c.path, c.body, c.header)
			res, err := (&http.Transport{}).RoundTrip(r)
			require.NoError(t, err)
			defer func() { _ = res.Body.Close() }()
			require.Contains(t, c.want, res.StatusCode)
		})
	}
}

// TestWritersReplayed: a request that was caught on the wire writes nothing a second time.
func TestWritersReplayed(t *testing.T) {
	t.Parallel()
	g := gantrytest.Start(t, gantrytest.Options{Config: writersFile, Env: []string{"ATTACK_WRITER=" + writerSecret, "ATTACK_OTHER=" + otherSecret}})
	const path, one = "/gantry/v1/topics/allowed/records", `{"records":[{"valueText":"x"}]}`
	send := func(r *http.Request) int {
		status, _, _ := do(t, r)
		return status
	}
	require.Eventually(t, func() bool {
		return send(signed(t, g.URL, "WRITER", "POST", path, one, map[string]string{"X-Try": time.Now().String()})) == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	caught := signed(t, g.URL, "WRITER", "POST", path, one, map[string]string{"Amz-Sdk-Invocation-Id": "11111111-2222-3333-4444-555555555555"})
	again := caught.Clone(t.Context())
	again.Body, _ = caught.GetBody()
	require.Equal(t, http.StatusOK, send(caught))
	require.Equal(t, http.StatusForbidden, send(again))
}
