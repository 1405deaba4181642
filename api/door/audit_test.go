package door_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/api/door"
	"gantry/function"
	"gantry/store"
	"gantry/store/memory"

	"github.com/stretchr/testify/require"
)

func openAudit(t *testing.T, cfg door.AuditConfig) (*door.Audit, string) {
	t.Helper()
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	a, err := door.OpenAudit(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a, filepath.Join(cfg.DataDir, door.AuditFile)
}

func lines(t *testing.T, file string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var found []map[string]any
	for line := range strings.Lines(string(text)) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		found = append(found, m)
	}
	return found
}

func TestAuditLine(t *testing.T) {
	t.Parallel()
	ledger := memory.New()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a, file := openAudit(t, door.AuditConfig{Ledger: ledger, Stream: "audit", Now: func() time.Time { return at }})
	before := function.Function{Name: "f", Timeout: 3 * time.Second, Environment: map[string]string{"SAME": "s3cr3t-1", "CHANGED": "s3cr3t-2", "GONE": "s3cr3t-3"}}
	after := before
	after.Timeout = 5 * time.Second
	after.Environment = map[string]string{"SAME": "s3cr3t-1", "CHANGED": "s3cr3t-4", "NEW": "s3cr3t-5"}
	a.Record(t.Context(), store.Change{
		By: store.Write{Actor: testID, Reason: "ticket 12"}, RequestID: "r-1", Action: "UpdateFunctionConfiguration",
		Kind: store.Functions, ID: "f", Before: before, After: after,
	})
	a.Record(t.Context(), store.Change{By: store.Write{Actor: "file:gantry.yaml"}, Action: "CreateFunction", ID: "g", After: map[string]any{
		"Code":        map[string]any{"ZipFile": "UEsDBA=="},
		"Environment": map[string]any{"Variables": map[string]any{"A": "s3cr3t-6", "EMPTY": ""}},
		"Nested":      []any{map[string]any{"dbPassword": "s3cr3t-7", "user": "u"}},
		"Big":         json.Number("9007199254740993"),
	}})
	require.NoError(t, a.Err())

	got := lines(t, file)
	require.Len(t, got, 2)
	require.Equal(t, "2026-01-02T03:04:05Z", got[0]["at"])
	require.Equal(t, testID, got[0]["actor"])
	require.Equal(t, "ticket 12", got[0]["reason"])
	require.Equal(t, "r-1", got[0]["requestId"])
	require.Equal(t, "function", got[0]["kind"])
	was, is := got[0]["before"].(map[string]any), got[0]["after"].(map[string]any)
	require.EqualValues(t, 3e9, was["Timeout"])
	require.EqualValues(t, 5e9, is["Timeout"])
	require.Equal(t, map[string]any{"SAME": "***", "CHANGED": "***", "GONE": "***"}, was["Environment"])
	require.Equal(t, map[string]any{"SAME": "***", "CHANGED": "*** (changed)", "NEW": "***"}, is["Environment"])

	require.NotContains(t, got[1], "before")
	created := got[1]["after"].(map[string]any)
	require.Equal(t, "(a deployment package)", created["Code"].(map[string]any)["ZipFile"])
	require.Equal(t, map[string]any{"Variables": map[string]any{"A": "***", "EMPTY": ""}}, created["Environment"])
	require.Equal(t, []any{map[string]any{"dbPassword": "***", "user": "u"}}, created["Nested"])

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(text), "s3cr3t")
	require.Contains(t, string(text), "9007199254740993")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	entries, err := ledger.Read(t.Context(), "audit", 1, 10)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, string(text), string(entries[0].Body)+"\n"+string(entries[1].Body)+"\n")
	require.Equal(t, "file:gantry.yaml", entries[1].By.Actor)
}

func TestAuditGoesOnBehindATornLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, door.AuditFile)
	require.NoError(t, os.WriteFile(file, []byte(`{"at":"2026`), 0o644))
	a, _ := openAudit(t, door.AuditConfig{DataDir: dir})
	a.Record(t.Context(), store.Change{Action: "first"})
	a.Record(t.Context(), store.Change{Action: "second"})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	got := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, got, 3)
	require.True(t, json.Valid([]byte(got[1])) && json.Valid([]byte(got[2])), string(text))
}

func TestAuditLinesNeverMix(t *testing.T) {
	t.Parallel()
	a, file := openAudit(t, door.AuditConfig{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 10 {
				a.Record(t.Context(), store.Change{Action: fmt.Sprint(i, " ", j), After: strings.Repeat("x", 5000)})
			}
		})
	}
	all.Wait()
	require.Len(t, lines(t, file), 40)
}

func TestAuditSaysWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a, _ := openAudit(t, door.AuditConfig{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	require.NoError(t, a.Close())
	a.Record(t.Context(), store.Change{Action: "DeleteFunction", ID: "f"})
	require.Error(t, a.Err())
	require.Contains(t, log.String(), "could not be written to the audit log")
	require.Contains(t, log.String(), "DeleteFunction")
}

func TestAuditTakesTheActorFromTheRequest(t *testing.T) {
	t.Parallel()
	a, file := openAudit(t, door.AuditConfig{})
	address := listen(t, door.Config{}, func(w http.ResponseWriter, r *http.Request) {
		a.Record(r.Context(), store.Change{Action: "pause", Kind: store.Mappings, ID: "m"})
		echo(w, r)
	})
	reply := send(t, request{path: "/gantry/v1/mappings/m/pause"}.make(t, address))
	got := lines(t, file)
	require.Len(t, got, 1)
	require.Equal(t, testID, got[0]["actor"])
	require.Equal(t, "operator", got[0]["role"])
	require.Equal(t, reply.seen.RequestID, got[0]["requestId"])
}

// TestAuditTurnsOverWithoutLosingALine: by size, and when others take the file away.
func TestAuditTurnsOverWithoutLosingALine(t *testing.T) {
	t.Parallel()
	a, file := openAudit(t, door.AuditConfig{Turnover: 2000})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 25 {
				a.Record(t.Context(), store.Change{Action: fmt.Sprint(i, " ", j), After: strings.Repeat("x", 300)})
			}
		})
	}
	all.Wait()
	require.NoError(t, os.Rename(file, file+".rotated-by-logrotate"))
	a.Record(t.Context(), store.Change{Action: "afterwards"})
	require.NoError(t, a.Err())
	files, err := filepath.Glob(file + "*")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	seen := map[string]bool{}
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(2600))
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		for _, l := range lines(t, f) {
			require.False(t, seen[l["action"].(string)], "twice")
			seen[l["action"].(string)] = true
		}
	}
	require.Len(t, seen, 101)
	require.Len(t, lines(t, file), 1)
}
