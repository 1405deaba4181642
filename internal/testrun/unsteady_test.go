package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// once fails in its first process and passes in each later one.
const once = `
import ("os"; "testing")
func TestOnce(t *testing.T) {
	t.Run("inner", func(t *testing.T) {
		f, err := os.OpenFile("been-here", os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil { f.Close(); t.Fatal("3 records, want 4") }
	})
}
func TestOther(*testing.T) {}
`

// A test that fails among others and passes by itself is named with what it said, and does
// not end the run; but nothing that proves a guarantee, fails again, or took its process
// with it gets off so.
func TestUnsteady(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, body string
		code             int
		verdict          string
	}{
		{"once", "shy/shy_test.go", "package shy\n" + once, 0, "2 passed, 0 failed, 0 skipped"},
		{"a guarantee", "test/fault/fault_test.go", "package fault_test\n" + once, 1, "1 passed, 1 failed, 0 skipped"},
		{"always", "ill/ill_test.go", suite["ill/ill_test.go"], 1, "2 passed, 2 failed, 0 skipped"},
		{"a panic", "dies/dies_test.go", "package dies\nimport \"testing\"\nfunc TestPanic(*testing.T) { panic(1) }\nfunc TestOther(*testing.T) {}\n", 1, "0 passed, 1 failed, 0 skipped"},
		{"too many", "many/many_test.go", "package many\n" + once + `
func TestTwo(t *testing.T) { if _, err := os.Stat("two"); err != nil { os.Mkdir("two", 0o700); t.Error("two") } }
func TestThree(t *testing.T) { if _, err := os.Stat("three"); err != nil { os.Mkdir("three", 0o700); t.Error("three") } }
`, 1, "1 passed, 3 failed, 0 skipped"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, code := runIn(t, map[string]string{"go.mod": suite["go.mod"], test.file: test.body}, "unit,fault")
			require.Equal(t, test.code, code, out)
			require.Equal(t, test.verdict, lastLine(out), out)
			if test.code == 0 {
				require.Contains(t, out, "--- UNSTEADY shy.TestOnce: failed among others, passed 3 times by itself")
				require.Contains(t, out, "shy.TestOnce/inner\n")
				require.Contains(t, out, "3 records, want 4")
				require.Contains(t, out, "note: unsteady: shy.TestOnce")
			} else {
				require.NotContains(t, out, "UNSTEADY")
			}
		})
	}
}
