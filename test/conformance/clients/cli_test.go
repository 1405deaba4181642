package clients

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cli types each call as somebody would at a prompt.
type cli struct {
	path string
	url  string
	env  []string
	dir  string
}

func newCLI(t *testing.T, s *server) client {
	if testing.Short() {
		t.Skip("the aws CLI takes a second a call")
	}
	path := found(t, "aws", func(path string) error {
		return exec.CommandContext(t.Context(), path, "--version").Run()
	})
	return &cli{path: path, url: s.url, env: environment(t), dir: t.TempDir()}
}

func (c *cli) call(t *testing.T, operation string, input map[string]any) (map[string]any, *failure) {
	args := []string{"lambda", kebab(operation), "--endpoint-url", c.url, "--output", "json"}
	for _, name := range slices.Sorted(maps.Keys(input)) {
		args = append(args, c.option(t, name, input[name])...)
	}
	answer := filepath.Join(c.dir, "answer")
	if operation == "Invoke" {
		args = append(args, answer)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), c.path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, cliFailure(t, stderr.String())
	}
	out, err := decoded(stdout.Bytes())
	require.NoError(t, err, stdout.String())
	if operation == "Invoke" {
		body, err := os.ReadFile(answer)
		require.NoError(t, err)
		out["Payload"] = base64.StdEncoding.EncodeToString(body)
	}
	return out, nil
}

// option is one member as the CLI takes it.
func (c *cli) option(t *testing.T, name string, value any) []string {
	flag := "--" + kebab(name)
	switch v := value.(type) {
	case bool:
		if !v {
			flag = "--no-" + kebab(name)
		}
		return []string{flag}
	case string:
		if name == "ZipFile" || name == "Payload" {
			return []string{flag, c.file(t, v)}
		}
		return []string{flag, v}
	case map[string]any:
		if zip, ok := v["ZipFile"].(string); ok {
			return []string{"--zip-file", c.file(t, zip)}
		}
	case int, float64:
		return []string{flag, fmt.Sprint(v)}
	}
	body, err := json.Marshal(value)
	require.NoError(t, err)
	return []string{flag, string(body)}
}

// file puts bytes where the CLI reads them.
func (c *cli) file(t *testing.T, encoded string) string {
	body, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	f, err := os.CreateTemp(c.dir, "blob")
	require.NoError(t, err)
	_, err = f.Write(body)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return "fileb://" + f.Name()
}

var cliError = regexp.MustCompile(`(?s)An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: (.*)`)

func cliFailure(t *testing.T, stderr string) *failure {
	parts := cliError.FindStringSubmatch(stderr)
	require.NotNil(t, parts, "the CLI failed by itself: %s", stderr)
	return &failure{Code: parts[1], Message: strings.TrimSpace(parts[2])}
}

var words = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])`)

func kebab(name string) string {
	return strings.ToLower(words.ReplaceAllString(name, "$1$3-$2$4"))
}
