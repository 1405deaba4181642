package services_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/plan"
)

// A Python service that reads two topics by one group is run beside, goes over, back and over
// again as one unit: no record of either topic is lost, and what is processed twice was
// reported.
func TestAServiceOfTwoTopicsMovesByCommands(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{ACLs: true, Listeners: []kafkatest.Listener{listener()}})
	k := kinds()[3]
	require.True(t, k.python)
	m := newMoveOf(t, c, k, "-second")
	m.act("shadow", plan.Shadowed, nil)
	m.act("cutover", plan.Moved, nil)
	m.act("rollback", plan.RolledBack, nil)
	m.act("cutover", plan.Moved, nil)

	m.load.rest()
	m.second.rest()
	m.await("the functions to finish", func() bool { return m.lag(m.old.group+".gantry") == 0 })
	by := readOutputs(t, m.admin, m.old.outputs)
	for topic, name := range map[string]string{m.old.topic: "", m.old.second: "second:"} {
		may, who := m.reported(topic), map[string]int{}
		for p, end := range m.ends(topic) {
			require.Positive(t, end)
			for at := range end {
				id := fmt.Sprintf("%d/%d", p, at)
				did := by[name+id]
				require.NotEmpty(t, did, "record %s of %s is lost", id, topic)
				require.LessOrEqual(t, len(did), 1+may[id], "record %s of %s was processed by %v", id, topic, did)
				for _, d := range did {
					who[d.who]++
				}
			}
		}
		require.Positive(t, who["old"])
		require.Positive(t, who["new"])
		t.Logf("%s: %d outputs of the old service, %d of the functions, %d records were reported to come twice", topic, who["old"], who["new"], len(may))
	}
}
