package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const table = "# Evidence\n\n| size | part |\n| --- | --- |\n| full | e2e | old |\n| soak | e2e | old |\n"

func TestSuccessIsRecordedOnceForACommit(t *testing.T) {
	t.Parallel()
	root, part := t.TempDir(), Part{Name: "e2e"}
	file := filepath.Join(root, "docs", "evidence.md")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(table), 0o644))
	day := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r := &records{size: Full, dir: t.TempDir(), root: root, commit: "abc", now: func() time.Time { return day }}

	_, ok := r.done(part)
	require.False(t, ok)
	require.NoError(t, r.passed(part, Count{Passed: 7, Skipped: 1}, 90*time.Second))
	when, ok := r.done(part)
	require.True(t, ok)
	require.Equal(t, day, when)

	body, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(body), "\n| full | e2e | 2026-11-20 | abc | 7 | 1 | 1m30s | ")
	require.Contains(t, string(body), "\n| soak | e2e | old |\n")
	require.NotContains(t, string(body), "| full | e2e | old |")

	r.commit = "def"
	_, ok = r.done(part)
	require.False(t, ok, "another commit has proven nothing yet")
}

func TestChangedTreeIsNotRecorded(t *testing.T) {
	t.Parallel()
	r := &records{size: Full, dir: filepath.Join(t.TempDir(), "passed"), now: time.Now}
	require.NoError(t, r.passed(Part{Name: "e2e"}, Count{Passed: 7}, time.Second))
	require.NoFileExists(t, r.file(Part{Name: "e2e"}))
}
