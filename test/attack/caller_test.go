package attack_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/api/door"
	"gantry/api/lambda"
	"gantry/internal/gantrytest"
)

// Secrets of the gantry that callers attack. None may be seen anywhere.
const (
	adminSecret    = "secret-of-the-admin-key-1"
	operatorSecret = "secret-of-the-operator-key-2"
	viewerSecret   = "secret-of-the-viewer-key-3"
	fileVariable   = "value-of-a-variable-in-the-file-4"
)

const callersFile = `
keys:
  - {id: ADMIN, secret: "env:ATTACK_ADMIN", role: admin}
  - {id: OPERATOR, secret: "env:ATTACK_OPERATOR", role: operator}
  - {id: VIEWER, secret: "env:ATTACK_VIEWER", role: viewer}
functions:
  legacy: {http: "http://127.0.0.1:1/", environment: {PASSWORD: ` + fileVariable + `}}
`

var keySecrets = map[door.Role][2]string{
	door.Admin: {"ADMIN", adminSecret}, door.Operator: {"OPERATOR", operatorSecret}, door.Viewer: {"VIEWER", viewerSecret},
}

func attacked(t *testing.T) *gantrytest.Gantry {
	t.Helper()
	g := gantrytest.Start(t, gantrytest.Options{Config: callersFile, Env: []string{
		"ATTACK_ADMIN=" + adminSecret, "ATTACK_OPERATOR=" + operatorSecret, "ATTACK_VIEWER=" + viewerSecret,
	}})
	require.Eventually(t, func() bool { // its file is applied
		status, _, _ := do(t, call{method: "GET", path: "/2015-03-31/functions/legacy", role: door.Admin}.request(t, g.URL))
		return status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	return g
}

// call is a request signed with a key, and what is done to it behind the signer's back.
type call struct {
	method, path, body string
	role               door.Role
	secret             string // another than the key's own
	header             map[string]string
	at                 time.Time
	after              func(*http.Request)
}

func (c call) request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
	require.NoError(t, err)
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	if c.role != "" {
		key := keySecrets[c.role]
		if c.secret != "" {
			key[1] = c.secret
		}
		at := c.at
		if at.IsZero() {
			at = time.Now()
		}
		digest := sha256.Sum256([]byte(c.body))
		who := aws.Credentials{AccessKeyID: key[0], SecretAccessKey: key[1]}
		require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(digest[:]), "lambda", "us-east-1", at))
	}
	if c.after != nil {
		c.after(r)
	}
	return r
}

func do(t *testing.T, r *http.Request) (status int, kind, text string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header.Get("X-Amzn-ErrorType"), string(body)
}

// TestCallers: each request would come in without the one thing that is wrong with it.
func TestCallers(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	list := call{method: "GET", path: "/2015-03-31/functions", role: door.Admin}
	with := func(edit func(*call)) call {
		c := list
		edit(&c)
		return c
	}
	status, _, text := do(t, list.request(t, g.URL))
	require.Equal(t, http.StatusOK, status, text)
	for name, c := range map[string]call{
		"no signature":      with(func(c *call) { c.role = "" }),
		"wrong secret":      with(func(c *call) { c.secret = "another-secret-of-the-admin" }),
		"expired signature": with(func(c *call) { c.at = time.Now().Add(-16 * time.Minute) }),
		"signed ahead":      with(func(c *call) { c.at = time.Now().Add(16 * time.Minute) }),
		"changed path":      with(func(c *call) { c.after = func(r *http.Request) { r.URL.Path = "/gantry/v1/status" } }),
		"changed method":    with(func(c *call) { c.after = func(r *http.Request) { r.Method = "DELETE" } }),
		"foreign host":      with(func(c *call) { c.after = func(r *http.Request) { r.Host = "evil.example" } }),
		"foreign origin":    with(func(c *call) { c.after = header("Origin", "https://evil.example") }),
		"cross-site":        with(func(c *call) { c.after = header("Sec-Fetch-Site", "cross-site") }),
		"no token in admin": {method: "GET", path: "/gantry/v1/status"},
		"path traversal":    {method: "GET", path: "/lambda-code/..%2f..%2fcredentials"},
		"dots in the path":  {method: "GET", path: "/healthz/../gantry/v1/status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, kind, text := do(t, c.request(t, g.URL))
			require.Equal(t, http.StatusForbidden, status, kind+text)
		})
	}
}

// TestReplays: what was caught on the wire and is sent again is refused: at once where
// the client gave its call an id, after two seconds where it did not.
func TestReplays(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	caught := call{method: "POST", path: "/2015-03-31/functions/legacy/invocations", body: "{}", role: door.Admin}
	again := caught.request(t, g.URL)
	status, kind, _ := do(t, again)
	require.Equal(t, http.StatusInternalServerError, status, "it came in; there is nobody behind the function: "+kind)
	caught.header = map[string]string{"Amz-Sdk-Invocation-Id": "0a1b", "X-Amz-Invocation-Type": "DryRun"}
	named := caught.request(t, g.URL)
	status, _, _ = do(t, named)
	require.Equal(t, http.StatusNoContent, status)
	for _, r := range []*http.Request{named, again} {
		if r == again {
			time.Sleep(2100 * time.Millisecond) //gantry:sleep a signature counts twice within two seconds of the real clock
		}
		r.Body = io.NopCloser(strings.NewReader("{}"))
		status, kind, text := do(t, r)
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, "InvalidSignatureException", kind)
		require.Contains(t, text, "used before")
	}
}

// TestRoles asks every operation of both APIs with every role that is too low for it, and
// sees that the lowest role that may gets further.
func TestRoles(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	ask := func(t *testing.T, role door.Role, method, path string) (int, string, string) {
		r := call{method: method, path: filled(path), body: "{", role: role}.request(t, g.URL)
		return do(t, r)
	}
	tried := 0
	check := func(operation, method, path string) {
		need := door.Needs(operation)
		for _, role := range []door.Role{door.Viewer, door.Operator, door.Admin} {
			if strings.HasSuffix(operation, "Logs") || strings.HasSuffix(operation, "tailMapping") {
				path = strings.Replace(path, "{name}", "none", 1) // a stream of what is not there ends at once
			}
			status, kind, text := ask(t, role, method, path)
			tried++
			if lower(role, need) {
				require.Equal(t, http.StatusForbidden, status, "%s as %s: %s", operation, role, text)
				require.Equal(t, "AccessDeniedException", kind, operation)
				require.Contains(t, text, operation)
			} else {
				require.NotEqual(t, "AccessDeniedException", kind, "%s as %s: %s", operation, role, text)
			}
		}
	}
	for _, r := range lambda.Routes() {
		check(door.LambdaAPI+r.Operation, r.Method, r.Path)
	}
	for _, r := range admin.Routes() {
		check(door.AdminAPI+r.Operation, r.Method, r.Path)
	}
	require.Equal(t, 3*len(door.Operations()), tried)
}

func lower(role, need door.Role) bool {
	rank := map[door.Role]int{door.Viewer: 1, door.Operator: 2, door.Admin: 3}
	return rank[role] < rank[need]
}

// filled names things that are not there, so that an operation that is let in does nothing.
func filled(path string) string {
	return strings.NewReplacer("{FunctionName}", "none", "{UUID}", "00000000-0000-4000-8000-000000000000", "{Resource}", "arn",
		"{StatementId}", "none", "{id}", "none", "{name}", "none", "{topic}", "none", "{kind}", "none").Replace(path)
}

// TestViewersSeeNoSecrets: what a viewer may read holds no value of a variable.
func TestViewersSeeNoSecrets(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	for _, path := range []string{
		"/2015-03-31/functions", "/2015-03-31/functions/legacy", "/2015-03-31/functions/legacy/configuration",
		"/2015-03-31/functions/legacy/versions", "/gantry/v1/functions", "/gantry/v1/functions/legacy",
	} {
		for _, role := range []door.Role{door.Viewer, door.Operator} {
			status, _, text := do(t, call{method: "GET", path: path, role: role}.request(t, g.URL))
			require.Equal(t, http.StatusOK, status)
			require.NotContains(t, text, fileVariable, path)
		}
	}
	_, _, text := do(t, call{method: "GET", path: "/2015-03-31/functions/legacy", role: door.Admin}.request(t, g.URL))
	require.Contains(t, text, fileVariable, "the admin, who wrote it, sees it")
}

// TestOversizedBodies are refused before they are kept, also those that lie about their size.
func TestOversizedBodies(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	huge := bytes.Repeat([]byte("x"), 7<<20)
	for name, c := range map[string]call{
		"invoke":         {method: "POST", path: "/2015-03-31/functions/legacy/invocations", body: string(huge), role: door.Admin},
		"mapping":        {method: "POST", path: "/2015-03-31/event-source-mappings", body: string(huge[:2<<20]), role: door.Admin},
		"an open route":  {method: "GET", path: "/healthz", body: string(huge[:1<<20])},
		"declared, vast": {method: "POST", path: "/2015-03-31/functions", body: "x", role: door.Admin, after: func(r *http.Request) { r.ContentLength = 1 << 40 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := http.DefaultClient.Do(c.request(t, g.URL))
			if err != nil {
				return // cut off while it was still sending
			}
			defer func() { _ = res.Body.Close() }()
			require.Contains(t, []int{http.StatusRequestEntityTooLarge, http.StatusForbidden}, res.StatusCode)
		})
	}
}

// TestSlowCallers: a hundred connections that say one byte a second hold nobody up, and
// are cut off.
func TestSlowCallers(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	address := strings.TrimPrefix(g.URL, "http://")
	began := time.Now()
	var lines []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "POST /2015-03-31/functions HTTP/1.1\r\nHost: "+address+"\r\nX-Slow: ")
		require.NoError(t, err)
		lines = append(lines, conn)
	}
	status, _, _ := do(t, call{method: "GET", path: "/gantry/v1/status", role: door.Viewer}.request(t, g.URL))
	require.Equal(t, http.StatusOK, status)
	for _, conn := range lines {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err := io.ReadAll(conn)
		var timeout net.Error
		if err != nil {
			require.ErrorAs(t, err, &timeout)
			require.False(t, timeout.Timeout(), "it was not cut off")
		}
	}
	require.Less(t, time.Since(began), 30*time.Second)
}

// errorText is the text of an answer that is an error.
func errorText(t *testing.T, text string) string {
	t.Helper()
	var e struct{ Message string }
	require.NoError(t, json.Unmarshal([]byte(text), &e), text)
	return e.Message
}
