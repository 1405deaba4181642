package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/engine"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// What a function says of its failure may quote the record it failed on.
func TestWhatFunctionsSayIsMaskedWhereverItIsShown(t *testing.T) {
	t.Parallel()
	const card = "4111-1111"
	b := newBench(t, func(c *admin.Config) {
		c.MaskText = func(text string) string { return strings.ReplaceAll(text, card, "***") }
	})
	m := plain(one, "m")
	b.put(m)
	b.engine.status[one] = mapping.Status{ProcessingResult: mapping.ProblemFunction, Detail: "no such card " + card}
	lane := pipeline.LaneSnapshot{Partition: record.Partition{Topic: "orders"}, Detail: "no such card " + card, Since: started, Attempts: 1}
	b.engine.running = []engine.Running{{Mapping: m, Snapshot: pipeline.Snapshot{Lanes: []pipeline.LaneSnapshot{lane}}, Counts: &pipeline.Counts{}}}
	b.engine.standing = []engine.Standing{{Mapping: m, Partition: record.Partition{Topic: "orders"}, Lag: -1, Lane: &lane}}
	for _, path := range []string{"/gantry/v1/status", "/gantry/v1/mappings", "/gantry/v1/mappings/m"} {
		body, err := json.Marshal(b.fine("GET", path, ""))
		require.NoError(t, err)
		require.Contains(t, string(body), "no such card ***", path)
		require.NotContains(t, string(body), card, path)
	}
}
