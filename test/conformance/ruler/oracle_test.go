package ruler

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// question is what Oracle.java takes: a pattern with an event, or a number. Old asks for
// the search the Ruler had before version 2.1.
type question struct {
	Pattern string `json:"pattern,omitempty"`
	Event   string `json:"event,omitempty"`
	Old     bool   `json:"old,omitempty"`
	Number  string `json:"number,omitempty"`
}

// oracle asks the Event Ruler.
type oracle struct{ classPath string }

// openOracle builds the oracle once per version of its two files.
func openOracle(t *testing.T) oracle {
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the Event Ruler needs java, javac and mvn, there is no %s here", tool)
		}
	}
	dir := cacheFolder(t)
	o := oracle{filepath.Join(dir, "libs", "*") + string(os.PathListSeparator) + filepath.Join(dir, "classes")}
	if _, err := os.Stat(dir); err == nil {
		return o
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o755))
	building, err := os.MkdirTemp(filepath.Dir(dir), "building-*")
	require.NoError(t, err)
	defer os.RemoveAll(building)
	build(t, building)
	if err := os.Rename(building, dir); err != nil {
		_, err = os.Stat(dir) // another run was faster
		require.NoError(t, err)
	}
	return o
}

func cacheFolder(t *testing.T) string {
	hash := sha256.New()
	for _, file := range []string{"pom.xml", "Oracle.java"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		hash.Write(text)
	}
	cache := os.Getenv("GANTRY_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		require.NoError(t, err)
		cache = filepath.Join(home, ".cache", "gantry")
	}
	return filepath.Join(cache, "ruler", fmt.Sprintf("%x", hash.Sum(nil)[:8]))
}

func build(t *testing.T, dir string) {
	libs, classes := filepath.Join(dir, "libs"), filepath.Join(dir, "classes")
	out, err := exec.Command("mvn", "-q", "-B", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory="+libs).CombinedOutput()
	if err != nil && !full() {
		t.Skipf("mvn could not get the Event Ruler: %v\n%s", err, out)
	}
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("javac", "-cp", filepath.Join(libs, "*"), "-d", classes, "Oracle.java").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func full() bool { return os.Getenv("GANTRY_TEST_SIZE") == "full" }

// ask gives one answer for each question.
func (o oracle) ask(t *testing.T, questions []question) []string {
	if len(questions) == 0 {
		return nil
	}
	var in bytes.Buffer
	encoder := json.NewEncoder(&in)
	encoder.SetEscapeHTML(false)
	for _, q := range questions {
		require.NoError(t, encoder.Encode(q))
	}
	cmd := exec.Command("java", "-Xshare:auto", "-XX:+UseSerialGC", "-cp", o.classPath, "Oracle")
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &errs
	out, err := cmd.Output()
	require.NoError(t, err, "%s", errs.String())
	answers := make([]string, 0, len(questions))
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		answers = append(answers, lines.Text())
	}
	require.NoError(t, lines.Err())
	require.Len(t, answers, len(questions), "%s", errs.String())
	return answers
}

func rejected(answer string) bool { return strings.HasPrefix(answer, "rejected: ") }
