package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gantry/store"
	"gantry/store/embedded"

	"github.com/stretchr/testify/require"
)

// childDir tells the test binary that it is the writer to be killed.
const childDir = "GANTRY_TEST_WRITER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver appends and puts by turns, and prints each number once both returned.
func writeForEver(dir string) error {
	ctx := context.Background()
	s, err := embedded.Open(dir)
	if err != nil {
		return err
	}
	body := func(n int64) []byte {
		return fmt.Appendf(nil, "%q", strings.Repeat(strconv.FormatInt(n, 10)+" ", 3000))
	}
	doc, err := s.Get(ctx, store.Plans, "p")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for n := doc.Version; ; n++ {
		if _, err := s.Put(ctx, store.Document{Kind: store.Plans, ID: "p", Version: n, Body: body(n + 1)}, store.Write{}); err != nil {
			return err
		}
		if _, err := s.Append(ctx, "audit", body(n+1), store.Write{}); err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

// TestKilledWhileWriting kills a process in the middle of its writes, five times over
// the same directory: what had returned is there, whole and in order, and the directory
// opens at once.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 5 {
		acknowledged := killedAfter(t, dir, 7+5*round)

		s := open(t, dir)
		doc, err := s.Get(t.Context(), store.Plans, "p")
		require.NoError(t, err)
		require.GreaterOrEqual(t, doc.Version, acknowledged)
		require.Contains(t, string(doc.Body), fmt.Sprintf("%d ", doc.Version), "the body belongs to its version")

		entries, err := s.Read(t.Context(), "audit", 1, 1<<20)
		require.NoError(t, err)
		require.GreaterOrEqual(t, int64(len(entries)), acknowledged)
		for i, e := range entries {
			require.EqualValues(t, i+1, e.Sequence)
		}
		// The writer goes on from the document, so a kill between the two writes would
		// shift the bodies: bring the ledger level, as its owner would.
		for n := int64(len(entries)); n < doc.Version; n++ {
			_, err := s.Append(t.Context(), "audit", []byte("repaired"), store.Write{})
			require.NoError(t, err)
		}
		require.NoError(t, s.Close())
	}
}

// killedAfter lets a child write lines numbers, kills it, and gives the last number it
// had printed by then.
func killedAfter(t *testing.T, dir string, lines int) (last int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); n++ {
		last, err = strconv.ParseInt(scan.Text(), 10, 64)
		require.NoError(t, err)
		if n == lines {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait(), "killed, not ended")
	require.Positive(t, last)
	return last
}
