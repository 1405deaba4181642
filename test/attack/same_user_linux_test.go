package attack_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

const sameUser = 23403

const oneUser = `
functions:
  hostile: {runtime: provided.al2023, handler: bootstrap, code: CODE, timeout: 20s}
`

// unprivileged starts gantry as a user that is not root, so that its functions are the
// same user's, and gives its pid, its client and its log.
func unprivileged(t *testing.T) (pid int, c *lambda.Client, log string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start gantry as another user than the test's")
	}
	code, err := hostile()
	require.NoError(t, err)
	dir := passable(t)
	binary := filepath.Join(dir, "gantry")
	body, err := os.ReadFile(gantrytest.Binary(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, body, 0o755))
	file := put(t, 0o644, strings.ReplaceAll(oneUser, "CODE", code), dir, "gantry.yaml")
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.Chown(data, sameUser, sameUser))
	out, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = out.Close() })
	listen := fmt.Sprintf("127.0.0.1:%d", gantrytest.FreePort(t))
	cmd := exec.Command(binary, "serve", "-c", file, "--data-dir", data, "--listen", listen)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GANTRY_PASSWORD=" + variable}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: sameUser, Gid: sameUser}, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(t, func() bool {
		res, err := http.Get("http://" + listen + "/healthz")
		return err == nil && res.Body.Close() == nil
	}, 20*time.Second, 20*time.Millisecond)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithSharedCredentialsFiles([]string{filepath.Join(data, "credentials")}), config.WithSharedConfigProfile("default"))
	require.NoError(t, err)
	c = lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.BaseEndpoint = aws.String("http://" + listen) })
	require.Eventually(t, func() bool {
		_, err := c.GetFunction(context.Background(), &lambda.GetFunctionInput{FunctionName: aws.String("hostile")})
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	said, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	return cmd.Process.Pid, c, string(said)
}

// A function of gantry's own user can read gantry's files, and gantry says so at its
// start. It can't read gantry's process.
func TestAFunctionOfTheSameUser(t *testing.T) {
	t.Parallel()
	pid, c, log := unprivileged(t)
	require.Contains(t, log, "not isolated: hostile run as gantry's own user")
	require.Contains(t, log, "event=isolation.gap")
	own := tell(t, c, "hostile", map[string]any{"do": "read", "path": "/proc/self/environ"})
	require.Equal(t, sameUser, own.UID)
	require.True(t, own.OK, own.Error)
	require.Empty(t, own.variable("GANTRY_PASSWORD"))
	for what, order := range map[string]map[string]any{
		"its environment": {"do": "read", "path": fmt.Sprintf("/proc/%d/environ", pid)},
		"its memory":      {"do": "read", "path": fmt.Sprintf("/proc/%d/mem", pid)},
		"its descriptors": {"do": "list", "path": fmt.Sprintf("/proc/%d/fd", pid)},
		"tracing it":      {"do": "trace", "pid": pid},
		"core dumps":      {"do": "dump"},
	} {
		r := tell(t, c, "hostile", order)
		require.False(t, r.OK, "%s: not refused: %.200q", what, r.Seen)
		t.Logf("refused: %s: %s", what, r.Error)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	require.NoError(t, err)
	require.Regexp(t, `Max core file size +0 +0`, string(limits))
}
