package embedded_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"gantry/store"

	"github.com/stretchr/testify/require"
)

// TestFullDisk fills a small file system: the write that does not fit fails with what
// helps, changes nothing, and the store works on once there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })

	ctx := t.Context()
	s := open(t, dir)
	body := fmt.Appendf(nil, "%q", strings.Repeat("x", 100_000))
	var put int
	var err error
	for put = 0; put < 20; put++ {
		doc := store.Document{Kind: store.Plans, ID: fmt.Sprintf("%02d", put), Body: body}
		if _, err = s.Put(ctx, doc, store.Write{}); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "free space")
	require.ErrorContains(t, err, "nothing was changed")
	require.Positive(t, put)

	docs, err := s.List(ctx, store.Plans)
	require.NoError(t, err, "what was written can still be read")
	require.Len(t, docs, put)
	require.NoError(t, s.Close())
	s = open(t, dir)
	docs, err = s.List(ctx, store.Plans)
	require.NoError(t, err)
	require.Len(t, docs, put)

	require.NoError(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=16m"))
	_, err = s.Put(ctx, store.Document{Kind: store.Plans, ID: "room", Body: body}, store.Write{})
	require.NoError(t, err)
}
