package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheTimeToStopBeginsWithTheStop: a gantry that ran for a week drains as one that
// ran for a minute.
func TestTheTimeToStopBeginsWithTheStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		running, stop := context.WithCancel(t.Context())
		finishing, cut := endsAfter(running, stopTimeout)
		defer cut()
		time.Sleep(7 * 24 * time.Hour)
		require.NoError(t, finishing.Err())
		stop()
		time.Sleep(stopTimeout - time.Second)
		require.NoError(t, finishing.Err(), "it was cut before its time")
		time.Sleep(2 * time.Second)
		require.Error(t, finishing.Err(), "a drain must end some day")
	})
}
