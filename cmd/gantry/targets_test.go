package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/mapping"
	"gantry/target/process"
	"gantry/telemetry/functionlog"
)

// What a mapping's surroundings close is closed to the function's processes; without the
// right to do so there are none.
func TestSurroundingsCloseTheNetwork(t *testing.T) {
	t.Parallel()
	logs, err := functionlog.Open(t.TempDir())
	require.NoError(t, err)
	places := targets{dataDir: t.TempDir(), logs: logs}
	fn := function.Function{Name: "orders", Kind: function.Process, Runtime: "provided.al2023", Code: function.Code{Dir: t.TempDir()}}
	open := func(e *mapping.Egress) error {
		target, err := places.open(t.Context(), fn, &mapping.Surroundings{Name: "shadow", Egress: e})
		if err == nil {
			err = target.Close(t.Context())
		}
		return err
	}
	require.NoError(t, open(nil))
	require.ErrorContains(t, open(&mapping.Egress{Targets: []string{"db.internal"}}), `egress target "db.internal": want HOST:PORT`)
	if possible := process.EgressPossible(); possible != nil {
		require.ErrorContains(t, open(&mapping.Egress{}), possible.Error())
	} else {
		require.NoError(t, open(&mapping.Egress{Targets: []string{"db.internal:5432"}}))
	}
}

// A folder that is edited in place is other code, and one that is gone is not known.
func TestTheCodeOfAFolder(t *testing.T) {
	t.Parallel()
	fn := function.Function{Name: "orders", Kind: function.Process, Code: function.Code{Dir: t.TempDir()}}
	handler := filepath.Join(fn.Code.Dir, "handler.py")
	require.NoError(t, os.WriteFile(handler, []byte("1"), 0o600))
	first, err := targets{}.codeOf(t.Context(), fn)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(handler, []byte("2"), 0o600))
	second, err := targets{}.codeOf(t.Context(), fn)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.NoError(t, os.RemoveAll(fn.Code.Dir))
	_, err = targets{}.codeOf(t.Context(), fn)
	require.ErrorContains(t, err, fn.Code.Dir)
}
