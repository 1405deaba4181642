// Package examples holds what a user would write. Its tests run all of it.
package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/function"
)

// files are all configuration files here.
func files(t *testing.T) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".yaml") {
			found = append(found, path)
		}
		return err
	}))
	require.NotEmpty(t, found)
	return found
}

// parse reads an example as gantry serve does.
func parse(t *testing.T, name string) *declare.File {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	dir, err := filepath.Abs(filepath.Dir(name))
	require.NoError(t, err)
	file, err := declare.Parse(text, declare.Identity{Name: name, Dir: dir})
	require.NoError(t, err)
	return file
}

// TestParse holds that every example is a file without a fault whose code is there.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		file := parse(t, name)
		require.NotEmpty(t, file.Mappings, name)
		for _, f := range file.Functions {
			if f.Kind == function.Process {
				require.DirExists(t, f.Code.Dir, name)
			}
		}
	}
}

// TestReadme holds that the first mapping of the README is the example.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	example, err := os.ReadFile("first-mapping/gantry.yaml")
	require.NoError(t, err)
	var config []string
	for _, line := range strings.Split(string(example), "\n") {
		if !strings.HasPrefix(line, "#") {
			config = append(config, line)
		}
	}
	require.Contains(t, string(readme), "```yaml\n"+strings.Join(config, "\n")+"```")
}

// TestRun serves every example with the built-in broker in place of the reader's own
// and sends a good and a bad record through.
func TestRun(t *testing.T) {
	t.Parallel()
	gantry := built(t)
	for _, name := range files(t) {
		t.Run(filepath.Dir(name), func(t *testing.T) {
			t.Parallel()
			run(t, gantry, name)
		})
	}
}

// built is gantry itself, where what the examples need is there.
func built(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds gantry and runs it")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on PATH: the examples' functions are written in Python")
	}
	gantry := filepath.Join(t.TempDir(), "gantry")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", gantry, "gantry/cmd/gantry").CombinedOutput()
	require.NoError(t, err, string(out))
	return gantry
}

func run(t *testing.T, gantry, name string) {
	g := serve(t, gantry, embedded(t, name))
	for _, m := range parse(t, name).Mappings {
		g.must(t, "produce", m.Source.Topics[0], "--cluster", "mine", `{"id":"a","total":12.5,"amount":3}`, `{"id":"b","total":1,"amount":-1}`)
		g.must(t, "wait", m.Name, "--settled", "--timeout", "60s")
		var d struct{ Counts map[string]int64 }
		require.NoError(t, json.Unmarshal([]byte(g.must(t, "describe", "mapping", m.Name, "-o", "json")), &d))
		require.EqualValues(t, 2, d.Counts["CommittedEventCount"], "%v", d.Counts)
		if m.OnFailure != "" {
			require.EqualValues(t, 1, d.Counts["OnFailureDestinationDeliveredEventCount"], "%v", d.Counts)
		}
	}
}

// embedded copies an example, with the built-in broker in place of the reader's own.
func embedded(t *testing.T, name string) (folder string) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	folder = t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Dir(name))))
	local := strings.ReplaceAll(string(text), `{ brokers: ["localhost:9092"] }`, "{ embedded: true }")
	require.NotEqual(t, string(text), local, "the example has another cluster than this test knows")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "gantry.yaml"), []byte(local), 0o600))
	return folder
}

// serving is a gantry serve that runs until the test ends.
type serving struct {
	program, folder, endpoint string
	log                       *lines
}

func serve(t *testing.T, gantry, folder string) serving {
	t.Helper()
	log := &lines{}
	cmd := exec.Command(gantry, "serve", "-c", "gantry.yaml", "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Stderr = folder, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		require.NoError(t, cmd.Wait(), "%s", log.String())
	})
	s := serving{program: gantry, folder: folder, log: log}
	require.Eventually(t, func() bool {
		_, rest, ok := strings.Cut(log.String(), "serves on ")
		s.endpoint, _, _ = strings.Cut(rest, "\n")
		return ok && s.endpoint != ""
	}, 20*time.Second, 20*time.Millisecond, "%s", log.String())
	require.Eventually(t, func() bool {
		out, err := s.command(t.Context(), "get", "mappings").Output()
		return err == nil && strings.Contains(string(out), "Enabled")
	}, 30*time.Second, 50*time.Millisecond, "%s", log.String())
	return s
}

func (s serving) command(ctx context.Context, line ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.program, append(line, "--endpoint", s.endpoint)...)
	cmd.Dir = s.folder
	return cmd
}

func (s serving) must(t *testing.T, line ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := s.command(t.Context(), line...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%v: %s", line, errs.String())
	return out.String()
}
