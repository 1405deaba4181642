package runtimes_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// kit is something of a package registry that a test needs, kept in the cache.
type kit struct {
	name  string
	proof string // a file that is there when the kit is complete
	heavy bool   // built natively: fetched by the full size only
	fetch func(dir string) [][]string
	once  sync.Once
	err   error
}

// kits are shared by the tests of this package; a kit is looked for once.
type kits struct{ python, node, java *kit }

var shared = sync.OnceValue(func() kits {
	return kits{
		python: &kit{name: "venv-functions", proof: "bin/python", fetch: func(dir string) [][]string {
			return [][]string{{"python3", "-m", "venv", dir},
				{filepath.Join(dir, "bin", "pip"), "install", "-q", "awslambdaric==4.2.2", "aws-lambda-powertools[parser]==3.37.0", "boto3==1.44.5"}}
		}},
		node: &kit{name: "runtimes/node-ric-4.0.2", proof: "node_modules/aws-lambda-ric/rapid-client.node", heavy: true, fetch: func(dir string) [][]string {
			return [][]string{{"npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "aws-lambda-ric@4.0.2"}}
		}},
		java: &kit{name: "runtimes/java-2.9.0", proof: "aws-lambda-java-core-1.4.0.jar", fetch: func(dir string) [][]string {
			return [][]string{{"mvn", "-q", "-f", "testdata/java/pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + dir}}
		}},
	}
})

// dir returns where the kit is, or skips the test.
func (k *kit) dir(t testing.TB) string {
	t.Helper()
	root, err := cacheRoot()
	require.NoError(t, err)
	dir := filepath.Join(root, k.name)
	k.once.Do(func() { k.err = k.fill(dir) })
	if k.err != nil {
		t.Skipf("%s is missing: %v", dir, k.err)
	}
	return dir
}

func cacheRoot() (string, error) {
	if dir := os.Getenv("GANTRY_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".cache", "gantry"), err
}

func (k *kit) fill(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, k.proof)); err == nil {
		return nil
	}
	size := os.Getenv("GANTRY_TEST_SIZE")
	switch {
	case k.heavy && size != "full":
		return errors.New("it is fetched with GANTRY_TEST_SIZE=full only")
	case size == "":
		return errors.New("it is fetched where GANTRY_TEST_SIZE is set")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, argv := range k.fetch(dir) {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
		}
	}
	return nil
}

// need skips the test where a program is missing.
func need(t testing.TB, program string) string {
	t.Helper()
	if os.Getenv("GANTRY_TEST_SIZE") == "" {
		t.Skip("minutes of other programs: make test runs it (GANTRY_TEST_SIZE)")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not on PATH", program)
	}
	if err := exec.Command(path, versionFlag(program)).Run(); err != nil {
		t.Skipf("%s does not run: %v", path, err)
	}
	return path
}

func versionFlag(program string) string {
	if program == "java" || program == "javac" {
		return "-version"
	}
	return "--version"
}
