package fault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// A function fails certain records until it is healed. Whatever happens meanwhile, no
// offset past the first of them is ever committed, the other partitions go on, and in
// the end nothing is lost.
func TestNeverPastAFailingRecord(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *kafkatest.Cluster) {
		for name, controls := range map[string]worldOptions{
			"retried":      {},
			"bisected":     {mapping: ", bisectBatchOnFunctionError: true"},
			"partial":      {mapping: ", reportBatchItemFailures: true", partial: true},
			"bounded":      {mapping: ", maximumRetryAttempts: 10000, maximumRecordAge: 24h"}, // and far from the bounds
			"all together": {mapping: ", maximumRetryAttempts: 10000, maximumRecordAge: 24h, bisectBatchOnFunctionError: true, reportBatchItemFailures: true", partial: true},
		} {
			t.Run(name, func(t *testing.T) { neverPastAFailingRecord(t, c, controls) })
		}
	})
}

func neverPastAFailingRecord(t *testing.T, c *kafkatest.Cluster, controls worldOptions) {
	controls.partitions, controls.fail = 4, "*-0@37,*-0@55,*-2@110"
	w := newWorld(t, c, controls)
	guard := w.guard()
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.load(400)
	w.eventually(30*time.Second, "both partitions stand at their record", guard.reached)
	g.Kill()
	g.Up()
	pass(time.Second)
	require.True(t, guard.reached(), "after kill -9")
	require.NoError(t, g.Stop())
	require.True(t, guard.reached(), "after a stop in order")
	g.Up()
	w.eventually(30*time.Second, "partitions without a failing record go on", func() bool {
		at := c.Committed(t, w.group(0), w.topic)
		return at[1] > 200 && at[3] > 200
	})
	guard.heal()
	w.verify(w.finish(g))
	neverPast(t, gantrytest.ReadJournal(t, w.journals[0]).Succeeded(), c.Commits(t, w.group(0)))
	require.NoError(t, g.Stop())
}
