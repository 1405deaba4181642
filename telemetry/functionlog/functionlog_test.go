package functionlog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/telemetry/functionlog"
)

func line(text string) functionlog.Line {
	return functionlog.Line{Time: time.Unix(1, 0).UTC(), Stream: "stdout", RequestID: "r", Text: text}
}

func TestLinesAreKeptAndFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs, err := functionlog.Open(dir)
	require.NoError(t, err)
	f := logs.Log("f")
	f.Write(line("one"))
	lines, end := f.Follow()
	f.Write(line("two"))
	require.Equal(t, line("two"), <-lines)
	end()
	f.Write(line("three"))
	require.Empty(t, lines)
	require.NoError(t, logs.Close())

	again, err := functionlog.Open(dir)
	require.NoError(t, err)
	got, err := again.Log("f").Last(2)
	require.NoError(t, err)
	require.Equal(t, []functionlog.Line{line("two"), line("three")}, got)
	info, err := os.Stat(filepath.Join(dir, "f.log"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAFullFileIsTurnedOverAndTheLastLinesSpanBoth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs, err := functionlog.Open(dir)
	require.NoError(t, err)
	f := logs.Log("f")
	big := strings.Repeat("x", 1<<19)
	for range 40 {
		f.Write(line(big))
	}
	f.Write(line("last"))
	got, err := f.Last(30)
	require.NoError(t, err)
	require.Len(t, got, 30)
	require.Equal(t, "last", got[29].Text)
	_, err = os.Stat(filepath.Join(dir, "f.log.1"))
	require.NoError(t, err)
	require.NoError(t, logs.Close())
}

func TestATornLineIsLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f.log"), []byte(`{"text":"whole"}`+"\n"+`{"text":"to`), 0o600))
	logs, err := functionlog.Open(dir)
	require.NoError(t, err)
	got, err := logs.Log("f").Last(10)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "whole", got[0].Text)
	none, err := logs.Log("other").Last(10)
	require.NoError(t, err)
	require.Empty(t, none)
}
