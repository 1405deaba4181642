package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"gantry/api/client"
	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

type answer struct{ Actor, Method, Path, Query, Body, ContentType string }

// serve puts a real door, with the key pair of a data directory, before a handler that
// tells what it got.
func serve(t *testing.T, dataDir string) string {
	t.Helper()
	key, _, err := door.DataKey(t.Context(), dataDir)
	require.NoError(t, err)
	keys, err := door.NewKeys(key)
	require.NoError(t, err)
	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	h, err := door.New(door.Config{Listen: l.Addr().String(), Keys: keys}, http.HandlerFunc(tell))
	require.NoError(t, err)
	return start(t, l, h)
}

func start(t *testing.T, l net.Listener, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func tell(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/gantry/v1/raw":
		_, _ = w.Write(append(body, '!'))
	case "/gantry/v1/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/gantry/v1/fails":
		w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException:http://x")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"Type":"User","Message":"The resource you requested does not exist."}`)
	case "/gantry/v1/moved":
		http.Redirect(w, r, "/gantry/v1/raw", http.StatusFound)
	default:
		_ = json.NewEncoder(w).Encode(answer{door.Actor(r.Context()), r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header.Get("Content-Type")})
	}
}

func open(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(t.Context(), cfg)
	require.NoError(t, err)
	return c
}

func TestDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, client.Config{Endpoint: serve(t, dir) + "/", DataDir: dir})
	key, _, err := door.DataKey(t.Context(), dir)
	require.NoError(t, err)
	ctx := t.Context()

	var got answer
	path := "/2015-03-31/functions/" + url.PathEscape("f:live/ä %") + "/x"
	require.NoError(t, c.Do(ctx, "PUT", path, url.Values{"b": {"2 +&", ""}, "A": {"ä"}}, map[string]int{"n": 1}, &got))
	require.Equal(t, answer{key.ID, "PUT", path, "A=%C3%A4&b=&b=2%20%2B%26", `{"n":1}`, "application/json"}, got)

	got = answer{}
	require.NoError(t, c.Do(ctx, "GET", "/gantry/v1/x", nil, nil, &got))
	require.Equal(t, answer{Actor: key.ID, Method: "GET", Path: "/gantry/v1/x"}, got)

	var raw []byte
	require.NoError(t, c.Do(ctx, "POST", "/gantry/v1/raw", nil, []byte("not JSON"), &raw))
	require.Equal(t, "not JSON!", string(raw))
	require.NoError(t, c.Do(ctx, "DELETE", "/gantry/v1/empty", nil, nil, nil))
	require.ErrorContains(t, c.Do(ctx, "DELETE", "/gantry/v1/empty", nil, nil, &got), "empty")
	require.ErrorContains(t, c.Do(ctx, "POST", "/gantry/v1/raw", nil, []byte("not JSON"), &got), "read the answer")

	stream, err := c.Stream(ctx, client.Request{Method: "POST", Path: "/gantry/v1/raw", Body: []byte("a")})
	require.NoError(t, err)
	text, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.Equal(t, "a!", string(text))

	res, err := c.Send(ctx, client.Request{Method: "POST", Path: "/2015-03-31/x", Header: http.Header{"X-Amz-Invocation-Type": {"DryRun"}}})
	require.NoError(t, err, "headers are signed too")
	require.Equal(t, 200, res.Status)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := serve(t, dir)
	c := open(t, client.Config{Endpoint: endpoint, DataDir: dir})
	err := c.Do(t.Context(), "GET", "/gantry/v1/fails", nil, nil, nil)
	var failed *client.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 404, failed.Status)
	require.Equal(t, "ResourceNotFoundException", failed.Type)
	require.Equal(t, "The resource you requested does not exist.", failed.Message)
	require.Len(t, failed.RequestID, 36)
	require.ErrorContains(t, err, "GET /gantry/v1/fails")

	err = c.Do(t.Context(), "GET", "/gantry/v1/moved", nil, nil, nil)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 302, failed.Status, "a redirect is not followed: it could lead anywhere")

	other := t.TempDir()
	_, _, err = door.DataKey(t.Context(), other)
	require.NoError(t, err)
	err = open(t, client.Config{Endpoint: endpoint, DataDir: other}).Do(t.Context(), "GET", "/gantry/v1/x", nil, nil, nil)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "UnrecognizedClientException", failed.Type)
	require.ErrorContains(t, err, filepath.Join(other, "credentials"))
	require.ErrorContains(t, err, "--key-file")

	err = open(t, client.Config{Endpoint: endpoint, DataDir: t.TempDir()}).Do(t.Context(), "GET", "/gantry/v1/x", nil, nil, nil)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "MissingAuthenticationTokenException", failed.Type)
	require.ErrorContains(t, err, "--data-dir")
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	c := open(t, client.Config{Endpoint: "http://127.0.0.1:1"})
	err := c.Do(t.Context(), "GET", "/gantry/v1/x", nil, nil, nil)
	require.ErrorContains(t, err, "is gantry serve running?")
	require.ErrorContains(t, err, "127.0.0.1:1")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Do(ctx, "GET", "/gantry/v1/x", nil, nil, nil), context.Canceled)
	for _, endpoint := range []string{"127.0.0.1:9400", "ftp://x", "http://"} {
		_, err = client.New(t.Context(), client.Config{Endpoint: endpoint})
		require.ErrorContains(t, err, client.DefaultEndpoint, endpoint)
	}
}

// TestSomethingElseListens: an answer that is not the API's is shown, not hidden.
func TestSomethingElseListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint := start(t, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such page\nmore", http.StatusNotFound)
	}))
	err = open(t, client.Config{Endpoint: endpoint}).Do(t.Context(), "GET", "/gantry/v1/x", nil, nil, nil)
	require.ErrorContains(t, err, "HTTP 404 Not Found: no such page")
	require.NotContains(t, err.Error(), "more")
}

// TestOrderOfCredentials takes away one source after the other.
func TestOrderOfCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, profile, id string) string {
		path := filepath.Join(dir, name)
		text := "[" + profile + "]\naws_access_key_id = " + id + "\naws_secret_access_key = " + id + "-secret-secret\n"
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	keyFile := write("key-file", "default", "KEYFILE")
	write("credentials", "default", "DATADIR")
	shared := write("shared", "work", "SHARED")
	env := func(pairs map[string]string) func(string) string {
		return func(name string) string { return pairs[name] }
	}
	variables := env(map[string]string{"AWS_ACCESS_KEY_ID": "VARIABLES", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SHARED_CREDENTIALS_FILE": shared, "AWS_PROFILE": "work"})
	profile := env(map[string]string{"AWS_SHARED_CREDENTIALS_FILE": shared, "AWS_PROFILE": "work"})

	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	h, err := door.New(door.Config{Listen: l.Addr().String(), Anonymous: true}, http.HandlerFunc(tell))
	require.NoError(t, err)
	endpoint := start(t, l, h)
	for actor, cfg := range map[string]client.Config{
		"KEYFILE":   {KeyFile: keyFile, DataDir: dir, Getenv: variables},
		"DATADIR":   {DataDir: dir, Getenv: variables},
		"VARIABLES": {DataDir: t.TempDir(), Getenv: variables},
		"SHARED":    {Getenv: profile},
		"anonymous": {DataDir: t.TempDir(), Getenv: env(nil)},
	} {
		cfg.Endpoint = endpoint
		var got answer
		require.NoError(t, open(t, cfg).Do(t.Context(), "GET", "/gantry/v1/x", nil, nil, &got))
		require.Equal(t, actor, got.Actor)
	}
	for _, cfg := range []client.Config{
		{KeyFile: filepath.Join(dir, "missing"), DataDir: dir},
		{KeyFile: shared}, // has no default profile
		{Getenv: env(map[string]string{"AWS_PROFILE": "nobody", "AWS_SHARED_CREDENTIALS_FILE": shared})},
	} {
		_, err := client.New(t.Context(), cfg)
		require.ErrorContains(t, err, "read the key file", "what was named and is not there is not passed over")
	}
}
