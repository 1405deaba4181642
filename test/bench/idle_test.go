package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/gantrytest"
)

const (
	idleMappings = 1000
	idleTopics   = 100
	idleSeconds  = 40
	settle       = 75 * time.Second // the last to join is idle, and its last commit is made a minute later
)

// Idle: what many mappings cost while nothing happens.
func TestIdleMappings(t *testing.T) {
	c := cluster(t)
	for i := range idleTopics {
		c.CreateTopic(t, fmt.Sprintf("idle-%d", i), 1, nil)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "clusters: {main: {brokers: [%q]}}\nfunctions: {f: {http: \"http://127.0.0.1:9/\"}}\nmappings:\n", c.Brokers()[0])
	for i := range idleMappings {
		fmt.Fprintf(&b, "  m%d: {function: f, cluster: main, topic: idle-%d, startingPosition: LATEST}\n", i, i%idleTopics)
	}
	g := gantrytest.Start(t, gantrytest.Options{Config: b.String(), Args: []string{"--log-level", "warn"}})
	require.Eventually(t, func() bool {
		out, code := g.CLI("status", "-o", "json")
		return code == 0 && strings.Count(out, `"state": "Enabled"`) == idleMappings && joined(c.Admin(t)) >= idleMappings
	}, 4*time.Minute, 2*time.Second)
	<-time.After(settle)
	before := cpu(t, g.Pid())
	<-time.After(idleSeconds * time.Second)
	used := cpu(t, g.Pid()) - before
	report(t, fmt.Sprintf("%d idle mappings in one process, %d s", idleMappings, idleSeconds), []string{
		fmt.Sprintf("%.1f %% of a core, %d MB resident", 100*used.Seconds()/idleSeconds, rss(t, g.Pid())>>20),
	})
}

// joined counts the groups that have their member.
func joined(admin *kadm.Client) int {
	listed, err := admin.ListGroups(context.Background(), "Stable")
	if err != nil {
		return 0
	}
	return len(listed)
}

// cpu reads what a process has used so far (Linux).
func cpu(t *testing.T, pid int) time.Duration {
	fields := stat(t, pid)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	require.NoError(t, err1)
	require.NoError(t, err2)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func rss(t *testing.T, pid int) int64 {
	pages, err := strconv.ParseInt(stat(t, pid)[21], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// stat gives the fields of /proc/PID/stat behind the name.
func stat(t *testing.T, pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Skipf("no process accounting here: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}
