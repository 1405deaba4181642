package netns_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/netns"
)

// Hosts see each other over their cable alone.
func TestHostsSeeTheirCablesAlone(t *testing.T) {
	t.Parallel()
	w := netns.New(t)
	a, b, alone := w.Host("a"), w.Host("b"), w.Host("alone")
	w.Cable(a, b)
	l := b.Listen("tcp", "0.0.0.0:7000")
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := a.Dial(ctx, "tcp", b.Addr(a)+":7000")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	_, err = alone.Dial(ctx, "tcp", b.Addr(a)+":7000")
	require.ErrorContains(t, err, "unreachable")
	a.Name(b.Addr(a), "b.example")
	out, err := a.Command(ctx, "getent", "hosts", "b.example").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), b.Addr(a))
	require.Error(t, b.Command(ctx, "getent", "hosts", "b.example").Run())
}
