package services_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hooks start and stop an old service from whatever process runs them: a supervisor in the
// test looks at the file that they make and take away.
type hooks struct {
	old    *old
	wanted string // it is to run
	runs   string // it does: the stop hook returns when this one is gone
	quit   chan struct{}
	ended  chan struct{}
}

// hooked starts an old service and lets it run as its hooks say until the test ends.
func hooked(t *testing.T, o *old) *hooks {
	t.Helper()
	dir := t.TempDir()
	h := &hooks{old: o, wanted: filepath.Join(dir, "wanted"), runs: filepath.Join(dir, "runs"), quit: make(chan struct{}), ended: make(chan struct{})}
	require.NoError(t, os.WriteFile(h.wanted, nil, 0o600))
	require.NoError(t, os.WriteFile(h.runs, nil, 0o600))
	o.start()
	go h.supervise(t)
	t.Cleanup(func() { close(h.quit); <-h.ended })
	return h
}

func (h *hooks) supervise(t *testing.T) {
	defer close(h.ended)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for on := true; ; {
		select {
		case <-h.quit:
			return
		case <-tick.C:
		}
		switch _, err := os.Stat(h.wanted); {
		case err == nil && !on:
			h.old.start()
			on = assert.NoError(t, os.WriteFile(h.runs, nil, 0o600))
		case err != nil && on:
			assert.NoError(t, h.old.stop())
			on = !assert.NoError(t, os.Remove(h.runs))
		}
	}
}

// yaml is the part of a plan that names them.
func (h *hooks) yaml() string {
	stop := fmt.Sprintf("rm -f '%s'; while [ -e '%s' ]; do sleep 0.02; done", h.wanted, h.runs)
	start := fmt.Sprintf("touch '%s'", h.wanted)
	return fmt.Sprintf("{ hook: [sh, -c, %q], start: [sh, -c, %q], wait: 2m }", stop, start)
}
