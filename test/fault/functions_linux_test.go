package fault_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// children gives the processes of functions that a gantry runs.
func children(t *testing.T, parent int) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …: the name may hold anything, so look behind it.
		behind := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(behind) > 1 && behind[0] != "Z" && behind[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// Function processes killed at random under load: nothing lost, order kept, only what a
// killed process had in hand is repeated, and the pool is whole again.
func TestKillFunctions(t *testing.T) {
	onEach(t, killFunctions)
}

func killFunctions(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{partitions: 6, pause: "10ms"})
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.load(1000)
	w.awaitWork(time.Now())
	victims := map[string]bool{}
	for range kafkatest.Size(10, 60) {
		pass(100*time.Millisecond + rand.N(200*time.Millisecond))
		if pids := children(t, g.Pid()); len(pids) > 0 {
			victim := pids[rand.N(len(pids))]
			require.NoError(t, syscall.Kill(victim, syscall.SIGKILL))
			victims[fmt.Sprintf("go-%d-", victim)] = true
		}
	}
	counts := w.finish(g)
	for _, r := range w.verify(counts)[0] {
		name := r.process[:strings.LastIndexByte(r.process, '-')+1]
		require.True(t, victims[name], "repeated, and its first process was not killed: %s by %s", r, r.process)
	}
	neverPast(t, gantrytest.ReadJournal(t, w.journals[0]), c.Commits(t, w.group(0)))
	require.NotEmpty(t, victims)
	require.NoError(t, g.Stop())
}

// A killed function has spent an attempt: with none left its batch is given up, counted
// and said with its position, and the lane goes on.
func TestKilledFunctionSpendsAnAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kafkatest.Shared(t), worldOptions{pause: "1m", mapping: ", maximumRetryAttempts: 0"})
	counts := w.fill(5)
	g := gantrytest.Start(t, gantrytest.Options{Config: strings.Replace(w.config, "timeout: 30s", "timeout: 2m", 1)})
	w.awaitWork(time.Time{})
	for _, pid := range children(t, g.Pid()) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	w.settled(g)
	require.Equal(t, counts[0], w.cluster.Committed(t, w.group(0), w.topic)[0])
	given := lineWith(g.Log(), "records given up")
	require.Contains(t, given, "RetryAttemptsExhausted")
	require.Contains(t, given, "first_offset")
	require.Len(t, gantrytest.ReadJournal(t, w.journals[0]).Deliveries, 1, "it was delivered once and no more")
}
