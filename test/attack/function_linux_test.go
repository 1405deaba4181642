package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// What a hostile function must never see, each in a place of its own.
const (
	dbPassword   = "hunter2-of-the-database"
	roleSecret   = "secret-key-of-the-role-orders"
	gantrySecret = "secret-key-of-gantry-itself"
	variable     = "value-of-a-variable-of-gantry"
)

func secretsOf() []string { return []string{dbPassword, roleSecret, gantrySecret, variable} }

var hostile = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gantry-attack-")
	if err != nil {
		return "", err
	}
	hostileDir.Store(&dir)
	path := filepath.Join(dir, "bootstrap")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/hostile").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the function: %w\n%s", err, out)
	}
	return dir, os.Chmod(dir, 0o755)
})

// TestMain takes away what the tests share.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		defer func() {
			if dir := hostileDir.Load(); dir != nil {
				_ = os.RemoveAll(*dir) // what stays takes space and no more
			}
		}()
		return m.Run()
	}())
}

var hostileDir atomic.Pointer[string]

// passable is a folder that every user of the machine can get to.
func passable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gantry-attack-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func put(t *testing.T, mode fs.FileMode, text string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), mode))
	return name
}

type report struct {
	OK          bool
	Error, Seen string
	Env         []string
	Pid, UID    int
}

func (r report) variable(name string) string {
	for _, v := range r.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// tell has a function do something and gives what came of it.
func tell(t *testing.T, c *lambda.Client, function string, order map[string]any) report {
	t.Helper()
	body, err := json.Marshal(order)
	require.NoError(t, err)
	out, err := c.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(function), Payload: body})
	require.NoError(t, err)
	require.Nil(t, out.FunctionError, string(out.Payload))
	var r report
	require.NoError(t, json.Unmarshal(out.Payload, &r), string(out.Payload))
	return r
}

const twoUsers = `
secrets: [{prefix: "secret:", from: {dir: ./secrets}}]
roles:
  "arn:aws:iam::123456789012:role/orders": {profile: orders}
functions:
  victim:
    runtime: provided.al2023
    handler: bootstrap
    code: CODE
    timeout: 20s
    user: "23402"
    role: "arn:aws:iam::123456789012:role/orders"
    secrets: {DB_PASSWORD: "secret:orders-db#password"}
  hostile: {runtime: provided.al2023, handler: bootstrap, code: CODE, timeout: 20s, user: "23401"}
`

// victimised is a gantry as root with a function that has secrets, and one that wants them.
func victimised(t *testing.T) *gantrytest.Gantry {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start functions as another user")
	}
	code, err := hostile()
	require.NoError(t, err)
	dir := passable(t)
	put(t, 0o600, `{"username":"ann","password":"`+dbPassword+`"}`, dir, "secrets", "orders-db.json")
	credentials := put(t, 0o600, "[default]\naws_access_key_id=AKIAGANTRY\naws_secret_access_key="+gantrySecret+
		"\n[orders]\naws_access_key_id=AKIAORDERS\naws_secret_access_key="+roleSecret+"\n", dir, "aws", "credentials")
	g := gantrytest.Start(t, gantrytest.Options{
		Config: strings.ReplaceAll(twoUsers, "CODE", code), DataDir: filepath.Join(dir, "data"), Dir: dir,
		Env: []string{
			"AWS_SHARED_CREDENTIALS_FILE=" + credentials, "AWS_CONFIG_FILE=" + os.DevNull, "GANTRY_PASSWORD=" + variable,
			"AWS_ACCESS_KEY_ID=AKIAGANTRY", "AWS_SECRET_ACCESS_KEY=" + gantrySecret,
		},
	})
	await(t, g, "victim", "hostile")
	return g
}

// await waits until the functions of the file are there: the API answers a little earlier.
func await(t *testing.T, g *gantrytest.Gantry, functions ...string) {
	t.Helper()
	for _, name := range functions {
		require.Eventually(t, func() bool { _, code := g.CLI("describe", "function", name); return code == 0 }, 20*time.Second, 50*time.Millisecond, name)
	}
}

// attempts are what a function with a user of its own tries against gantry and against
// another function.
func attempts(g *gantrytest.Gantry, victim report) map[string]map[string]any {
	proc := func(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }
	read := func(path string) map[string]any { return map[string]any{"do": "read", "path": path} }
	list := func(path string) map[string]any { return map[string]any{"do": "list", "path": path} }
	with := func(do string, pid int) map[string]any { return map[string]any{"do": do, "pid": pid} }
	dir := filepath.Dir(g.DataDir)
	return map[string]map[string]any{
		"gantry's API keys":                read(filepath.Join(g.DataDir, "credentials")),
		"gantry's store":                   read(filepath.Join(g.DataDir, "gantry.db")),
		"the data folder":                  list(g.DataDir),
		"the logs of functions":            list(filepath.Join(g.DataDir, "logs")),
		"packages of other functions":      list(filepath.Join(g.DataDir, "code")),
		"a file in the data folder":        {"do": "write", "path": filepath.Join(g.DataDir, "planted")},
		"gantry's credentials for AWS":     read(filepath.Join(dir, "aws", "credentials")),
		"the file of a secret":             read(filepath.Join(dir, "secrets", "orders-db.json")),
		"the configuration":                read(filepath.Join(dir, "gantry.yaml")),
		"gantry's environment":             read(proc(g.Pid(), "environ")),
		"gantry's memory":                  read(proc(g.Pid(), "mem")),
		"gantry's memory map":              read(proc(g.Pid(), "maps")),
		"gantry's descriptors":             list(proc(g.Pid(), "fd")),
		"gantry's folder":                  list(proc(g.Pid(), "cwd")),
		"tracing gantry":                   with("trace", g.Pid()),
		"a signal to gantry":               with("signal", g.Pid()),
		"another function's environment":   read(proc(victim.Pid, "environ")),
		"another function's memory":        read(proc(victim.Pid, "mem")),
		"another function's descriptors":   list(proc(victim.Pid, "fd")),
		"tracing another function":         with("trace", victim.Pid),
		"a signal to another function":     with("signal", victim.Pid),
		"another function's temp folder":   list(victim.variable("TMPDIR")),
		"another function's Runtime API":   {"do": "get", "path": "http://" + victim.variable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next"},
		"gantry's API without a key":       {"do": "get", "path": g.URL + "/gantry/v1/functions"},
		"another function through the API": {"do": "get", "path": g.URL + "/2015-03-31/functions/victim"},
		"becoming root":                    {"do": "become-root"},
		"core dumps":                       {"do": "dump"},
	}
}

func TestAFunctionWithAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	g := victimised(t)
	c := g.Lambda()
	victim := tell(t, c, "victim", nil)
	require.Equal(t, 23402, victim.UID)
	require.Equal(t, dbPassword, victim.variable("DB_PASSWORD"), "the attack is worth nothing if there is nothing to find")
	require.Equal(t, "AKIAORDERS", victim.variable("AWS_ACCESS_KEY_ID"))
	require.Equal(t, roleSecret, victim.variable("AWS_SECRET_ACCESS_KEY"))

	own := tell(t, c, "hostile", map[string]any{"do": "read", "path": "/proc/self/environ"})
	require.True(t, own.OK, "a function can read its own environment: %s", own.Error)
	require.Equal(t, 23401, own.UID)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GANTRY_PASSWORD", "AWS_SHARED_CREDENTIALS_FILE"} {
		require.Empty(t, own.variable(name), "%s reached a function", name)
	}
	fds := tell(t, c, "hostile", map[string]any{"do": "list", "path": "/proc/self/fd"})
	require.True(t, fds.OK)
	require.NotContains(t, fds.Seen, g.DataDir, "a descriptor of gantry's went along")

	for what, order := range attempts(g, victim) {
		r := tell(t, c, "hostile", order)
		require.False(t, r.OK, "%s: not refused: %.200q", what, r.Seen)
		require.NotContains(t, r.Error, "no such file", "%s: the attempt missed its target", what)
		for _, s := range secretsOf() {
			require.NotContains(t, r.Seen+r.Error, s, what)
		}
		t.Logf("refused: %s: %s", what, r.Error)
	}
	require.Equal(t, victim.Pid, tell(t, c, "victim", nil).Pid, "the other function goes on")
}

// An injected secret is in the function's process and nowhere else.
func TestSecretsAreStoredNowhere(t *testing.T) {
	t.Parallel()
	g := victimised(t)
	c := g.Lambda()
	require.Equal(t, dbPassword, tell(t, c, "victim", nil).variable("DB_PASSWORD"))
	config, err := c.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("victim")})
	require.NoError(t, err)
	answer, err := json.Marshal(config)
	require.NoError(t, err)
	places := map[string]string{
		"GetFunction": string(answer), "describe": g.MustCLI("describe", "function", "victim", "-o", "json"),
		"status": g.MustCLI("status", "-o", "json"), "the log": g.Log(), "the process list": commandLines(t),
	}
	require.Contains(t, places["describe"], "secret:orders-db#password", "the reference is shown")
	require.Contains(t, places["describe"], "AWS credentials of profile orders")
	require.NoError(t, filepath.WalkDir(g.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		places[path] = string(b)
		return err
	}))
	for place, text := range places {
		for _, s := range secretsOf() {
			require.NotContains(t, text, s, place)
		}
	}
}

func commandLines(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var all bytes.Buffer
	for _, f := range files {
		b, _ := os.ReadFile(f) // it may have ended
		all.Write(append(b, '\n'))
	}
	return all.String()
}
