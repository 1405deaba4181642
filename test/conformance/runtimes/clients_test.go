package runtimes_test

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// client is one way a function can speak the Runtime API.
type client struct {
	name     string
	language string
	runtime  string
	handler  string
	aws      bool // AWS's own client, not our bootstrap

	// prepare makes the code folder and says what the pool needs besides, or skips.
	prepare func(t testing.TB) process.Config
}

func clients() []client {
	return []client{
		{"go-aws", "go", "provided.al2023", "bootstrap", true, prepareGo},
		{"python-aws", "python", "python3.12", "app.handler", true, preparePythonAWS},
		{"python", "python", "python3.12", "app.handler", false, preparePython},
		{"node-aws", "node", "nodejs22.x", "app.handler", true, prepareNodeAWS},
		{"node", "node", "nodejs22.x", "app.handler", false, prepareNode},
		{"java-aws", "java", "java17", "lab.Orders", true, prepareJavaAWS},
		{"java", "java", "java17", "lab.Orders", false, prepareJava},
	}
}

func prepareGo(t testing.TB) process.Config {
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/go").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return process.Config{CodeDir: dir}
}

func preparePythonAWS(t testing.TB) process.Config {
	cfg := preparePython(t)
	cfg.Interpreters = map[string]string{"python3.12": filepath.Join(shared().python.dir(t), "bin", "python")}
	return cfg
}

func preparePython(t testing.TB) process.Config {
	python := need(t, "python3")
	return process.Config{CodeDir: copied(t, "python"), Interpreters: map[string]string{"python3.12": python}}
}

func prepareNodeAWS(t testing.TB) process.Config {
	cfg := prepareNode(t)
	require.NoError(t, os.Symlink(filepath.Join(shared().node.dir(t), "node_modules"), filepath.Join(cfg.CodeDir, "node_modules")))
	return cfg
}

func prepareNode(t testing.TB) process.Config {
	need(t, "node")
	return process.Config{CodeDir: copied(t, "node")}
}

func prepareJavaAWS(t testing.TB) process.Config {
	return process.Config{CodeDir: javaClasses(t, "java-aws", "*.jar")}
}

func prepareJava(t testing.TB) process.Config {
	return process.Config{CodeDir: javaClasses(t, "java", "aws-lambda-java-core-*.jar")}
}

// javaClasses compiles the Java functions once for each set of libraries: Java only reads
// its code folder, so tests may share it.
func javaClasses(t testing.TB, name, jars string) string {
	javac := need(t, "javac")
	kit := shared().java.dir(t)
	dir := filepath.Join(scratch(t), name)
	compiling.Lock()
	defer compiling.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	sources, err := filepath.Glob("testdata/java/lab/*.java")
	require.NoError(t, err)
	compile(t, javac, dir, append([]string{"-cp", filepath.Join(kit, "*")}, sources...)...)
	libraries, err := filepath.Glob(filepath.Join(kit, jars))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "lib"), 0o755))
	for _, jar := range libraries {
		require.NoError(t, os.Symlink(jar, filepath.Join(dir, "lib", filepath.Base(jar))))
	}
	return dir
}

var compiling sync.Mutex

func compile(t testing.TB, javac, dir string, arguments ...string) {
	out, err := exec.Command(javac, append([]string{"-d", dir}, arguments...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// scratch is a folder that the tests of this package share.
func scratch(t testing.TB) string {
	dir, err := sharedFolder()
	require.NoError(t, err)
	return dir
}

var sharedFolder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "gantry-runtimes-") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := sharedFolder(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// copied puts a language's functions into a folder of the test's own: interpreters leave
// files beside the code.
func copied(t testing.TB, language string) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", language))))
	return dir
}

// start makes a pool of the client's function.
func (c client) start(t testing.TB, options ...func(*function.Function, *process.Config)) *process.Pool {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("functions as processes are tested on Unix")
	}
	cfg := c.prepare(t)
	fn := function.Function{Name: "orders", Runtime: c.runtime, Handler: c.handler, Timeout: 30 * time.Second, Memory: 512, Processes: 2}
	cfg.Region, cfg.AccountID, cfg.DataDir = "eu-west-1", "123456789012", filepath.Join(scratch(t), "data")
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	for _, o := range options {
		o(&fn, &cfg)
	}
	pool, err := process.New(fn, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close(t.Context())) })
	return pool
}

func withHandler(name string) func(*function.Function, *process.Config) {
	return func(f *function.Function, _ *process.Config) { f.Handler = name }
}

func withTimeout(d time.Duration) func(*function.Function, *process.Config) {
	return func(f *function.Function, _ *process.Config) { f.Timeout = d }
}

func withRuntime(r string) func(*function.Function, *process.Config) {
	return func(f *function.Function, _ *process.Config) { f.Runtime = r }
}
