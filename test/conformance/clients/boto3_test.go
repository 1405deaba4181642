package clients

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// boto3 is one Python process that takes call after call.
type boto3 struct {
	in  io.Writer
	out *bufio.Reader
}

func newBoto3(t *testing.T, s *server) client {
	python := found(t, "python3", func(path string) error {
		return exec.CommandContext(t.Context(), path, "-c", "import boto3").Run()
	})
	cmd := exec.CommandContext(t.Context(), python, "testdata/driver.py", s.url)
	cmd.Env = environment(t)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &boto3{in: in, out: bufio.NewReader(out)}
}

func (b *boto3) call(t *testing.T, operation string, input map[string]any) (map[string]any, *failure) {
	line, err := json.Marshal(map[string]any{"Operation": operation, "Input": input})
	require.NoError(t, err)
	_, err = b.in.Write(append(line, '\n'))
	require.NoError(t, err)
	line, err = b.out.ReadBytes('\n')
	require.NoError(t, err, "boto3 ended at %s", operation)
	var answer struct {
		Output map[string]any
		Error  *failure
	}
	require.NoError(t, json.Unmarshal(line, &answer))
	return answer.Output, answer.Error
}
