package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// suite is a small module in which tests end in every way a test can end.
var suite = map[string]string{
	"go.mod": "module gantry\n\ngo 1.26\n",
	"well/well_test.go": `package well
import "testing"
func TestOne(t *testing.T) {}
func TestTable(t *testing.T) {
	t.Run("a", func(*testing.T) {})
	t.Run("b", func(t *testing.T) { t.Log("looking"); t.Skip("java is not installed") })
}
func TestTwo(t *testing.T) { t.Skip("java is not installed") }
`,
	"ill/ill_test.go": `package ill
import "testing"
func TestTable(t *testing.T) {
	t.Run("good", func(*testing.T) {})
	t.Run("bad", func(t *testing.T) { t.Error("3 records, want 4") })
}
func TestAfter(t *testing.T) { t.Run("fine", func(*testing.T) {}); t.Error("left over") }
`,
	"dies/dies_test.go": `package dies
import ("os"; "testing")
func TestExit(t *testing.T) { os.Exit(3) }
`,
	"broken/broken_test.go": `package broken
import "testing"
func TestNothing(t *testing.T) { undefined() }
`,
	"quiet/quiet.go": "package quiet\n",
}

func TestRunCountsEveryWayToEnd(t *testing.T) {
	t.Parallel()
	out, code := runIn(t, suite, "unit")
	require.Equal(t, 1, code, out)
	require.Equal(t, "4 passed, 4 failed, 2 skipped", lastLine(out), out)
	require.Contains(t, out, "2 × java is not installed: well.TestTable/b, well.TestTwo")
	require.Contains(t, out, "--- FAILED ill.TestTable/bad")
	require.Contains(t, out, "3 records, want 4")
	require.Contains(t, out, "--- FAILED ill.TestAfter\n")
	require.Contains(t, out, "--- FAILED dies\n=== RUN   TestExit\n", "the test that was running")
	require.Contains(t, out, "undefined: undefined")
	require.NotContains(t, out, "quiet")
}

func TestRunOfWellTests(t *testing.T) {
	t.Parallel()
	out, code := runIn(t, map[string]string{"go.mod": suite["go.mod"], "well/well_test.go": suite["well/well_test.go"]}, "unit,e2e")
	require.Zero(t, code, out)
	require.Equal(t, "2 passed, 0 failed, 2 skipped", lastLine(out))
	require.Contains(t, out, "note: e2e: skipped, it has no package yet")
}

// The fuzzer's own end is no failure of a target; an input that failed is, and so is what
// ends at a deadline elsewhere.
func TestAFuzzerCutByItsClockIsNotAFailure(t *testing.T) {
	t.Parallel()
	id := ID{"gantry/pipeline/encode", "FuzzEncoder"}
	end := "fuzz: elapsed: 2s, execs: 2893\n--- FAIL: FuzzEncoder (2.47s)\n    context deadline exceeded\n"
	target := Part{Target: "FuzzEncoder"}
	require.True(t, cut(target, map[ID]Result{id: {Action: "fail", Output: end}, {Package: id.Package}: {Action: "fail"}}))
	require.False(t, cut(target, map[ID]Result{id: {Action: "pass"}}))
	require.False(t, cut(Part{}, map[ID]Result{id: {Action: "fail", Output: end}}))
	require.False(t, cut(target, map[ID]Result{id: {Action: "fail", Output: end + "\n    Failing input written to testdata/fuzz/FuzzEncoder/1\n"}}))
}

// Both parts run the same tests; every day one of them is enough, unless it is asked for.
func TestAPartWithinAnotherIsNotRunTwice(t *testing.T) {
	t.Parallel()
	if !compiler.there(t.Context()) {
		t.Skip("the race detector needs a C compiler")
	}
	files := map[string]string{"go.mod": suite["go.mod"], "well/well_test.go": suite["well/well_test.go"]}
	out, code := runIn(t, files, "unit,race")
	require.Zero(t, code, out)
	require.Contains(t, out, "note: unit: not run by itself, race runs all of it")
	require.Contains(t, out, "== race: 2 passed")
	out, code = runIn(t, files, "unit")
	require.Zero(t, code, out)
	require.Contains(t, out, "== unit: 2 passed")
}

func TestRunOfNothingFails(t *testing.T) {
	t.Parallel()
	out, code := runIn(t, map[string]string{"go.mod": suite["go.mod"], "quiet/quiet.go": suite["quiet/quiet.go"]}, "unit")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "no test ran")
	require.Equal(t, "0 passed, 0 failed, 0 skipped", lastLine(out))
}

func TestRunEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"go.mod":              suite["go.mod"],
		"hangs/hangs_test.go": "package hangs\nimport \"testing\"\nfunc TestHang(*testing.T) { for { } }\n",
	}
	began := time.Now()
	out, code := runIn(t, files, "unit,simulation", "-limit", "4s")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "the whole run took longer than 4s")
	require.Contains(t, out, "note: simulation did not run")
	require.Less(t, time.Since(began), 30*time.Second)
}

// child makes this test binary be the command: go test is asked from the working folder,
// which a parallel test can't change.
const child = "GANTRY_TESTRUN_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "1" {
		main()
	}
	os.Exit(m.Run())
}

// runIn runs parts of size test in a module of its own.
func runIn(t *testing.T, files map[string]string, parts string, flags ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(flags, "-part", parts, "test")...)
	cmd.Dir = module(t, files)
	cmd.Env = append(os.Environ(), child+"=1", "GANTRY_CACHE="+t.TempDir(), "CI=", "INSTALL=")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(body), 0o644))
	}
	return dir
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"huge"}, {"test", "full"}, {"-nonsense", "test"}} {
		var errs bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, io.Discard, &errs), args)
		require.NotEmpty(t, errs.String())
	}
	var errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"-part", "units", "test"}, io.Discard, &errs))
	require.Contains(t, errs.String(), `test has no part "units"; it has unit, race`)
}
