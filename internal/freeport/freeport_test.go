package freeport_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/freeport"
)

// As many ports as three clusters have, chosen before any of them listens.
func TestNoPortIsGivenTwice(t *testing.T) {
	seen := map[int]bool{}
	for range 2_000 {
		c, err := freeport.Take()
		require.NoError(t, err)
		t.Cleanup(c.Release)
		require.False(t, seen[c.Port], "port %d was given twice", c.Port)
		seen[c.Port] = true
	}
}

func TestAClaimLetsAServerListen(t *testing.T) {
	c, err := freeport.Take()
	require.NoError(t, err)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c.Release()
	c.Release()
	freeport.Claim{}.Release()
}
