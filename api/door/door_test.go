package door_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gantry/api/door"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

const (
	testID     = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

func testKeys(t *testing.T) door.Keys {
	t.Helper()
	keys, err := door.NewKeys(door.Key{ID: testID, Secret: testSecret, Role: door.Operator})
	require.NoError(t, err)
	return keys
}

// seen is what the handler behind the door got; nil pointer: nothing reached it.
type seen struct {
	Actor, Role, RequestID, Body string
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(seen{door.Actor(r.Context()), string(door.RoleOf(r.Context())), door.RequestID(r.Context()), string(body)})
}

// listen serves a handler behind a door and gives its address.
func listen(t *testing.T, cfg door.Config, next http.HandlerFunc) string {
	t.Helper()
	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	cfg.Listen = l.Addr().String()
	if !cfg.Anonymous {
		cfg.Keys = testKeys(t)
	}
	h, err := door.New(cfg, next)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(h)
	require.NoError(t, server.Listener.Close())
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return l.Addr().String()
}

// request is a signed request, and what is done to it behind the signer's back.
type request struct {
	method, path, body string
	header             http.Header
	secret, id, token  string
	at                 time.Time
	service            string
	after              func(*http.Request)
}

func (q request) make(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), def(q.method, "POST"), "http://"+address+def(q.path, "/2015-03-31/functions"),
		bytes.NewReader([]byte(q.body)))
	require.NoError(t, err)
	for name, values := range q.header {
		r.Header[name] = values
	}
	at := q.at
	if at.IsZero() {
		at = time.Now()
	}
	digest := sha256.Sum256([]byte(q.body))
	who := aws.Credentials{AccessKeyID: def(q.id, testID), SecretAccessKey: def(q.secret, testSecret), SessionToken: q.token}
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), who, r, hex.EncodeToString(digest[:]), def(q.service, "lambda"), "eu-west-1", at))
	if q.after != nil {
		q.after(r)
	}
	return r
}

func def(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

type reply struct {
	status  int
	kind    string
	message string
	seen    seen
	header  http.Header
}

func send(t *testing.T, r *http.Request) reply {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	out := reply{status: res.StatusCode, kind: res.Header.Get("x-amzn-ErrorType"), header: res.Header}
	if res.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(body, &out.seen), string(body))
		return out
	}
	var failure struct{ Message string }
	require.NoError(t, json.Unmarshal(body, &failure), string(body))
	out.message = failure.Message
	return out
}

// TestSignedRequestsComeIn sends what AWS's own signer signs, in every shape that has
// tripped implementations before.
func TestSignedRequestsComeIn(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{}, echo)
	for name, q := range map[string]request{
		"plain":                 {method: "GET"},
		"body":                  {body: `{"FunctionName":"f"}`, header: http.Header{"Content-Type": {"application/json"}}},
		"escaped path":          {path: "/2015-03-31/functions/fn%3Alive/invocations"},
		"an ARN in the path":    {method: "GET", path: "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af"},
		"dollar in the path":    {path: "/2015-03-31/functions/f:$LATEST"},
		"escaped dollar":        {path: "/2015-03-31/functions/f%3A%24LATEST"},
		"odd path":              {path: "/gantry/v1/topics/a%20b+c~d/%E2%82%AC"},
		"query":                 {method: "GET", path: "/2015-03-31/event-source-mappings?MaxItems=10&FunctionName=arn%3Aaws%3Ax&Marker="},
		"query to be sorted":    {method: "DELETE", path: "/2017-03-31/tags/x?tagKeys=b&tagKeys=a&tagKeys=a%20c&tagKeys=%C3%A4&A=%2F%2B%3D"},
		"plus in the query":     {method: "GET", path: "/gantry/v1/x?q=a+b"},
		"a parameter alone":     {method: "GET", path: "/gantry/v1/x?follow"},
		"session token":         {token: "IQoJb3JpZ2luX2Vj//////////+="},
		"blanks in headers":     {header: http.Header{"X-Amz-Client-Context": {"  a   b  "}, "X-Amz-Invocation-Type": {"Event"}}},
		"a header twice":        {header: http.Header{"X-Amz-Meta": {"a", "b"}}},
		"hash header":           {body: "x", header: http.Header{"X-Amz-Content-Sha256": {"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}},
		"a clock 14 min behind": {at: time.Now().Add(-14 * time.Minute)},
		"a clock 14 min ahead":  {at: time.Now().Add(14 * time.Minute)},
		"unsigned trace header": {after: func(r *http.Request) { r.Header.Set("X-Amzn-Trace-Id", "Root=1") }},
		"admin API":             {path: "/gantry/v1/mappings/x/pause"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, q.make(t, address))
			require.Equal(t, http.StatusOK, got.status, got.message)
			require.Equal(t, testID, got.seen.Actor)
			require.Equal(t, "operator", got.seen.Role)
			require.Equal(t, q.body, got.seen.Body, "the body is put back")
			require.Equal(t, got.header.Get("x-amzn-RequestId"), got.seen.RequestID)
			require.Len(t, got.seen.RequestID, 36)
		})
	}
}

// TestAttacks sends what must not come in. Each is a request that would come in without
// the one thing that is wrong with it.
func TestAttacks(t *testing.T) {
	t.Parallel()
	address := listen(t, door.Config{Open: []string{"/healthz", "/console/"}, MaxBody: 1000}, echo)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
	}
	edit := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get("Authorization")
			now := string(bytes.ReplaceAll([]byte(was), []byte(from), []byte(to)))
			if now == was {
				panic("nothing to edit: " + from)
			}
			r.Header.Set("Authorization", now)
		}
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	url := func(raw string) func(*http.Request) {
		return func(r *http.Request) {
			u := *r.URL
			u.Opaque = "//" + address + raw // as it stands, without cleaning
			r.URL = &u
		}
	}
	const denied, invalid, partial = "AccessDeniedException", "InvalidSignatureException", "IncompleteSignatureException"
	for name, tc := range map[string]struct {
		request
		status     int
		kind, says string
	}{
		"wrong secret":         {request{secret: "another-secret-another-secret"}, 403, invalid, "does not match"},
		"unknown key":          {request{id: "AKIDSTRANGER"}, 403, "UnrecognizedClientException", "security token"},
		"changed body":         {request{body: "aa", after: body("ab")}, 403, invalid, "does not match"},
		"body taken away":      {request{body: "aa", after: body("")}, 403, invalid, "does not match"},
		"changed path":         {request{after: url("/2015-03-31/event-source-mappings")}, 403, invalid, "does not match"},
		"unescaped path":       {request{path: "/2015-03-31/functions/a%3Ab", after: url("/2015-03-31/functions/a:b")}, 403, invalid, "does not match"},
		"changed method":       {request{after: func(r *http.Request) { r.Method = "PUT" }}, 403, invalid, "does not match"},
		"changed query":        {request{path: "/gantry/v1/x?a=1", after: url("/gantry/v1/x?a=2")}, 403, invalid, "does not match"},
		"added query":          {request{after: url("/2015-03-31/functions?a=2")}, 403, invalid, "does not match"},
		"changed header":       {request{header: http.Header{"X-Amz-Invocation-Type": {"DryRun"}}, after: header("X-Amz-Invocation-Type", "Event")}, 403, invalid, "does not match"},
		"header taken away":    {request{header: http.Header{"X-Amz-Invocation-Type": {"DryRun"}}, after: header("X-Amz-Invocation-Type")}, 403, invalid, "does not match"},
		"header added":         {request{after: header("X-Amz-Invocation-Type", "Event")}, 403, invalid, "x-amz-invocation-type"},
		"false hash header":    {request{body: "a", header: http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}}}, 403, invalid, "signed as it is"},
		"host not signed":      {request{after: edit("host;", "")}, 403, invalid, "'Host'"},
		"expired":              {request{at: time.Now().Add(-16 * time.Minute)}, 403, invalid, "Signature expired"},
		"replay next day":      {request{at: time.Now().Add(-24 * time.Hour)}, 403, invalid, "Signature expired"},
		"not yet current":      {request{at: time.Now().Add(16 * time.Minute)}, 403, invalid, "not yet current"},
		"new date, old scope":  {request{at: time.Now().Add(-48 * time.Hour), after: header("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))}, 403, invalid, "Credential scope"},
		"another service":      {request{service: "s3"}, 403, invalid, "'lambda'"},
		"other region claimed": {request{after: edit("eu-west-1", "us-east-1")}, 403, invalid, "does not match"},
		"no authorization":     {request{after: header("Authorization")}, 403, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		"two authorizations":   {request{after: header("Authorization", "AWS4-HMAC-SHA256 a", "b")}, 403, partial, "must be one"},
		"basic authorization":  {request{after: header("Authorization", "Basic YTpi")}, 403, partial, "AWS4-HMAC-SHA256"},
		"asymmetric":           {request{after: edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")}, 403, partial, "AWS4-HMAC-SHA256"},
		"empty authorization":  {request{after: header("Authorization", "AWS4-HMAC-SHA256 ")}, 403, partial, "'Credential' parameter. Authorization header requires 'Signature' parameter"},
		"no date":              {request{after: header("X-Amz-Date")}, 403, partial, "X-Amz-Date"},
		"two dates":            {request{after: header("X-Amz-Date", "20260101T000000Z", "20260102T000000Z")}, 403, partial, "X-Amz-Date"},
		"odd date":             {request{after: header("X-Amz-Date", "yesterday")}, 403, partial, "ISO-8601"},
		"short scope":          {request{after: edit("/eu-west-1", "")}, 403, partial, "5 slash-delimited"},
		"short signature":      {request{after: edit("Signature=", "Signature=ab, X=")}, 403, partial, "hexadecimal"},
		"signature twice":      {request{after: edit("Signature=", "Signature=ab, Signature=")}, 403, partial, "twice"},
		"headers not sorted":   {request{after: edit("SignedHeaders=", "SignedHeaders=z;")}, 403, partial, "sorted"},
		"presigned":            {request{after: func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "X-Amz-Signature=ab" }}, 403, partial, "presigned"},

		"foreign host":          {request{after: host("evil.example")}, 403, denied, "evil.example"},
		"rebound host":          {request{after: host("evil.example:" + port)}, 403, denied, "evil.example"},
		"other port":            {request{after: host("127.0.0.1:1")}, 403, denied, "127.0.0.1:1"},
		"foreign host, open":    {request{method: "GET", path: "/healthz", after: host("evil.example:" + port)}, 403, denied, "evil.example"},
		"foreign origin":        {request{after: header("Origin", "http://evil.example")}, 403, denied, "evil.example"},
		"foreign origin, open":  {request{method: "GET", path: "/healthz", after: header("Origin", "http://evil.example")}, 403, denied, "evil.example"},
		"origin of a neighbour": {request{after: header("Origin", "http://127.0.0.1:1")}, 403, denied, "127.0.0.1:1"},
		"origin null":           {request{after: header("Origin", "null")}, 403, denied, "null"},
		"second origin":         {request{after: header("Origin", "http://"+address, "http://evil.example")}, 403, denied, "evil.example"},
		"cross-site":            {request{after: header("Sec-Fetch-Site", "cross-site")}, 403, denied, "cross-site"},
		"cross-site, open":      {request{method: "GET", path: "/healthz", after: header("Sec-Fetch-Site", "cross-site")}, 403, denied, "cross-site"},
		"same-site":             {request{after: header("Sec-Fetch-Site", "same-site")}, 403, denied, "same-site"},
		"preflight":             {request{method: "OPTIONS", after: header("Origin", "http://evil.example")}, 403, denied, "evil.example"},
		"through the console":   {request{after: both(header("Authorization"), url("/console/../2015-03-31/functions"))}, 403, "MissingAuthenticationTokenException", ""},
		"escaped dots":          {request{after: both(header("Authorization"), url("/console/%2e%2e/2015-03-31/functions"))}, 403, "MissingAuthenticationTokenException", ""},
		"open by prefix only":   {request{after: both(header("Authorization"), url("/healthzz"))}, 403, "MissingAuthenticationTokenException", ""},

		"oversize, declared":   {request{body: string(make([]byte, 1001))}, 413, "RequestEntityTooLargeException", "smaller than 1000"},
		"oversize, in chunks":  {request{after: chunked(bytes.NewReader(make([]byte, 200_000)))}, 413, "RequestEntityTooLargeException", "smaller than 1000"},
		"oversize, open route": {request{path: "/healthz", body: string(make([]byte, 70_000)), after: header("Authorization")}, 413, "RequestEntityTooLargeException", "smaller than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, tc.make(t, address))
			require.Equal(t, tc.status, got.status)
			require.Equal(t, tc.kind, got.kind)
			require.Contains(t, got.message, tc.says)
			require.Len(t, got.header.Get("x-amzn-RequestId"), 36)
			require.NotContains(t, fmt.Sprint(got), testSecret)
		})
	}
}

func both(a, b func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) { a(r); b(r) }
}

// body changes the body without changing what was signed of its length.
func body(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(bytes.NewReader([]byte(text)))
		r.ContentLength = int64(len(text))
	}
}

func chunked(from io.Reader) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(from)
		r.ContentLength = -1
		r.GetBody = nil
	}
}
