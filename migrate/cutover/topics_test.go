package cutover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/migrate/cutover"
	"gantry/plan"
)

// twoTopics lets the producer, the old service and the functions have a second topic.
func (w *world) twoTopics() {
	w.rest()
	w.topics = []string{topic, other}
	w.plan.Service.Topics = w.topics
	w.write()
}

// A service that reads two topics is one unit: it is taken over, given back and taken over
// again whole, in every way a plan can say.
func TestAServiceOfTwoTopics(t *testing.T) {
	t.Parallel()
	for _, fence := range []plan.Fence{plan.FenceStrong, plan.FenceWeak} {
		for _, handover := range []plan.Handover{plan.HandoverNew, plan.HandoverSame} {
			for _, way := range []plan.Rollback{plan.Resume, plan.Replay} {
				t.Run(fmt.Sprint(fence, " ", handover, " ", way), func(t *testing.T) {
					t.Parallel()
					inWorld(t, func(w *world) {
						w.plan.Fence, w.plan.Handover, w.plan.Rollback = fence, handover, way
						w.twoTopics()
						w.thereAndBack()
					})
				})
			}
		}
	}
}

// What is looked at before a cutover is looked at in both topics.
func TestAPredictionGoesOverBothTopics(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.twoTopics()
		w.running()
		pre, _, err := w.protocol().Look(w.t.Context())
		require.NoError(w.t, err)
		for _, topic := range w.topics {
			require.Len(w.t, pre.F0[topic], partitions)
			require.Len(w.t, pre.Sample.Coming[topic], partitions)
			require.NotEmpty(w.t, pre.TopicIDs[topic])
		}
	})
}

// Retention is looked at in each topic: the second one alone is enough to refuse.
func TestRetentionOfTheSecondTopicRefuses(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.twoTopics()
		w.running()
		_, err := w.kadm().AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: kadm.StringPtr("40000")}}, other)
		require.NoError(w.t, err)
		w.refusedCut("retention reaches the group's position in")
	})
}

// A plan has the topics that the group reads, no more and no fewer, whether the service runs
// or not.
func TestAPlanHasTheTopicsOfItsGroup(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reads, planned []string
		stopped        bool
		fault          string
	}{
		{reads: []string{topic, other}, planned: []string{topic}, fault: "the group reads topic payments, which is not in service.topics"},
		{reads: []string{topic, other}, planned: []string{topic}, stopped: true, fault: "the group has committed topic payments, which is not in service.topics"},
		{reads: []string{topic}, planned: []string{topic, other}, fault: "the group does not read topic payments of service.topics"},
		{reads: []string{topic}, planned: []string{topic, other}, stopped: true, fault: "the group has committed nothing of topic payments of service.topics, and nobody reads it now"},
		{reads: []string{topic, other}, planned: []string{other, topic}, stopped: true},
	} {
		t.Run(fmt.Sprint(strings.Join(c.reads, "+"), " planned ", strings.Join(c.planned, "+"), " stopped ", c.stopped), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.rest()
				w.topics = c.reads
				w.write()
				w.running()
				if c.stopped {
					w.old.stop()
				}
				w.plan.Service.Topics = c.planned
				if c.fault == "" {
					_, _, err := w.protocol().Look(w.t.Context())
					require.NoError(w.t, err)
					return
				}
				_, err := w.protocol().Cutover(w.t.Context())
				var faults *cutover.FaultsError
				require.ErrorAs(w.t, err, &faults)
				require.ErrorContains(w.t, err, c.fault)
			})
		})
	}
}
