// Package release_test makes a release as `make release` does and uses what came of it:
// two builds in two folders are the same bytes, the package is installed by dpkg and its
// binary runs, the service's walls are measured, bash reads its completion.
//
// `make test` does it for one platform, `make full` for all.
package release_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const (
	version = "9.8.7"
	commit  = "0123456789abcdef0123456789abcdef01234567"
	when    = "1893553445" // 2030-01-02T03:04:05Z
	root    = "../.."
)

func TestRelease(t *testing.T) {
	size := os.Getenv("GANTRY_TEST_SIZE")
	if size == "" {
		t.Skip("a release takes minutes: make test makes one")
	}
	if said, err := exec.Command("make", "-C", root, "release-tools").CombinedOutput(); err != nil {
		t.Skipf("the tools of a release cannot be had: %v\n%s", err, said)
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if size == "full" {
		platform = ""
	}
	first := made(t, root, platform, "")
	t.Run("the same bytes in another folder", func(t *testing.T) {
		cache := ""
		if size == "full" {
			cache = t.TempDir() // nothing that was compiled before
		}
		second := made(t, copied(t), platform, cache)
		sums := read(t, first, "SHA256SUMS")
		require.Equal(t, sums, read(t, second, "SHA256SUMS"))
		c := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
		c.Dir = second
		said, err := c.CombinedOutput()
		require.NoError(t, err, "%s", said)
		require.GreaterOrEqual(t, strings.Count(sums, "\n"), 2)
	})
	t.Run("the archive", func(t *testing.T) { archived(t, first) })
	t.Run("the list of what is inside", func(t *testing.T) { inside(t, first) })
	if runtime.GOOS != "linux" {
		return
	}
	t.Run("installed by dpkg", func(t *testing.T) { installed(t, first) })
	t.Run("the RPM package", func(t *testing.T) { rpm(t, first) })
}

// made runs make release in a folder and gives what came of it.
func made(t *testing.T, dir, platform, cache string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	c := exec.Command("make", "-C", dir, "release", "VERSION="+version, "PLATFORM="+platform, "OUT="+out)
	c.Env = append(os.Environ(), "GANTRY_COMMIT="+commit, "SOURCE_DATE_EPOCH="+when)
	if cache != "" {
		c.Env = append(c.Env, "GOCACHE="+cache)
	}
	said, err := c.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return out
}

// copied is the tree in another folder, without git and what was built.
func copied(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "elsewhere", "gantry")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		switch {
		case e.Name() == ".git" || rel == "bin" || e.Name() == "gantry-data" || e.Name() == "node_modules":
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), body, 0o644)
	})
	require.NoError(t, err)
	return to
}

// archived looks at what an archive holds: the binary, what must come with it, a
// completion for each of four shells and a manual page for each command.
func archived(t *testing.T, dir string) {
	name := ours(".tar.gz")
	said, err := exec.Command("tar", "-tzf", filepath.Join(dir, name)).CombinedOutput()
	require.NoError(t, err, "%s", said)
	held := strings.Fields(string(said))
	for _, file := range []string{
		"gantry", "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "completion/gantry.bash", "completion/gantry.fish", "completion/_gantry", "completion/gantry.ps1",
		"man/gantry.1.gz", "man/gantry-serve.1.gz", "man/gantry-offsets-accept-loss.1.gz",
	} {
		require.Contains(t, held, strings.TrimSuffix(name, ".tar.gz")+"/"+file)
	}
	require.Contains(t, read(t, dir, "SHA256SUMS"), name)
}

// inside checks the SBOM of this platform against the binary's own word.
func inside(t *testing.T, dir string) {
	var bom struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Name, Version, Purl string
			Evidence            struct{ Licenses []any }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, dir, ours(".cdx.json"))), &bom))
	require.Equal(t, "CycloneDX", bom.Format)
	versions, unlicensed := map[string]string{}, 0
	for _, c := range bom.Components {
		versions[c.Name] = c.Version
		if len(c.Evidence.Licenses) == 0 && c.Name != "std" {
			unlicensed++
		}
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	kgo := regexp.MustCompile(`github\.com/twmb/franz-go (v\S+)`).FindStringSubmatch(string(mod))
	require.Equal(t, kgo[1], versions["github.com/twmb/franz-go"])
	require.Contains(t, versions, "std")
	require.LessOrEqual(t, unlicensed, 2, "components whose licence was not found")
}

// installed unpacks the package over this very system: an overlay in a mount namespace of
// its own takes what is written, so scripts and triggers run for real and nothing stays.
func installed(t *testing.T, dir string) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount an overlay")
	}
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("there is no dpkg here")
	}
	script, err := filepath.Abs("testdata/install.sh")
	require.NoError(t, err)
	probe := exec.Command("unshare", "-m", "sh", script, t.TempDir(), "")
	if said, err := probe.CombinedOutput(); err != nil {
		t.Skipf("no overlay can be mounted here: %v %s", err, said)
	}
	c := exec.Command("unshare", "-m", "sh", script, t.TempDir(), filepath.Join(dir, ours(".deb")))
	said, err := c.CombinedOutput()
	require.NoError(t, err, "%s", said)
	text := string(said)
	for _, want := range []string{
		`"version": "` + version + `"`, `"commit": "` + commit + `"`, `"time": "2030-01-02T03:04:05Z"`,
		"gantry " + version + " serves on", "stopped with 0", "config 640 root gantry", "mode of the data 700 gantry", "package gone with 0",
		"bash reads it", "man finds it",
	} {
		require.Contains(t, text, want)
	}
	require.Regexp(t, `Overall exposure level for gantry.service: [01]\.\d OK`, text)
	require.Regexp(t, `Overall exposure level for gantry-users.service: [0-3]\.\d OK`, text)
}

func rpm(t *testing.T, dir string) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("rpm is not here")
	}
	file := filepath.Join(dir, ours(".rpm"))
	said, err := exec.Command("rpm", "-qp", "--queryformat", "%{NAME} %{VERSION} %{LICENSE} %{BUILDTIME} %{BUILDHOST}\n[%{FILENAMES}\n]", file).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "gantry "+version+" Apache-2.0 "+when+" localhost")
	for _, path := range []string{"/usr/bin/gantry\n", "/etc/gantry/gantry.yaml\n", "/usr/lib/systemd/system/gantry.service\n", "/usr/share/man/man1/gantry-serve.1.gz\n", "/usr/share/zsh/site-functions/_gantry\n"} {
		require.Contains(t, string(said), path)
	}
	said, err = exec.Command("rpm", "-K", "--nosignature", file).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "digests OK")
}

// There is no engine here to build the image with, so the file is read by a linter and
// its base named: what it copies is the binary that the other tests run.
func TestDockerfile(t *testing.T) {
	said, err := exec.Command(gantrytest.Kit(t, "venv-hadolint", "hadolint"), filepath.Join(root, "Dockerfile")).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Empty(t, string(said))
}

// The binary of the image, built by the Dockerfile's own line: a variable that the linker
// does not find it sets without a word.
func TestTheImagesBinary(t *testing.T) {
	if os.Getenv("GANTRY_TEST_SIZE") == "" {
		t.Skip("make test builds it")
	}
	file, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	line := regexp.MustCompile(`(?s)RUN (CGO_ENABLED=0 .* -o )/gantry( \./cmd/gantry) `).FindStringSubmatch(string(file))
	require.Len(t, line, 3)
	binary := filepath.Join(t.TempDir(), "gantry")
	c := exec.Command("sh", "-c", line[1]+binary+line[2])
	c.Dir = root
	c.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit, "DATE=2030-01-02T03:04:05Z", "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH)
	said, err := c.CombinedOutput()
	require.NoError(t, err, "%s", said)
	said, err = exec.Command(binary, "version", "-o", "json").CombinedOutput()
	require.NoError(t, err, "%s", said)
	for _, want := range []string{`"version": "` + version + `"`, `"commit": "` + commit + `"`, `"time": "2030-01-02T03:04:05Z"`} {
		require.Contains(t, string(said), want)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(file), "golang:"+regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]+".", "the compiler of go.mod")
}

func ours(ext string) string {
	return "gantry_" + version + "_" + runtime.GOOS + "_" + runtime.GOARCH + ext
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(body)
}
