package fault_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// smallDisk mounts a disk of a few megabytes, which only root may do.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("gantry-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this machine lets even root mount nothing: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fillUp leaves not a byte.
func fillUp(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	require.NoError(t, err)
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	require.True(t, errors.Is(err, syscall.ENOSPC), "%v", err)
	require.NoError(t, f.Close())
	return ballast
}

// The disk under the data directory is full: records flow on, a process killed then is
// there again when there is room, and nothing is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "64m")
	w := newWorld(t, kafkatest.Shared(t), worldOptions{partitions: 3})
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config, DataDir: filepath.Join(dir, "data"), Dir: t.TempDir()})
	w.load(300)
	w.awaitWork(time.Now())
	ballast := fillUp(t, dir)
	w.awaitWork(time.Now())
	w.awaitWork(time.Now())
	g.Kill()
	killed := w.killed(time.Now())
	require.NoError(t, os.Remove(ballast))
	g.Up()
	w.awaitWork(time.Now())
	w.explain(w.verify(w.finish(g)), []disturbance{killed})
	require.NoError(t, g.Stop())
}
