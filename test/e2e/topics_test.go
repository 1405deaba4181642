package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// partitionsOf are the offsets that a function had, by topic-partition.
func partitionsOf(t *testing.T, fn *fakelambda.Server) map[string][]int64 {
	t.Helper()
	all := map[string][]int64{}
	for _, call := range fn.Calls() {
		var e struct {
			Records map[string][]struct{ Offset int64 }
		}
		require.NoError(t, json.Unmarshal(call.Payload, &e))
		for name, records := range e.Records {
			for _, r := range records {
				all[name] = append(all[name], r.Offset)
			}
		}
	}
	return all
}

// A mapping of two topics lives its life: it is declared, shown by both APIs, reset in one
// topic, and given a third one.
func TestAMappingOfTwoTopics(t *testing.T) {
	t.Parallel()
	c, orders, payments, fn := kafkatest.Shared(t), kafkatest.Topic(t), kafkatest.Topic(t)+".payments", fakelambda.Start(t)
	refunds := orders + ".refunds"
	for _, topic := range []string{orders, payments, refunds} {
		c.CreateTopic(t, topic, 2, nil)
		kafkatest.ProduceValues(t, c, topic, 0, "a", "b")
		kafkatest.ProduceValues(t, c, topic, 1, "c")
	}
	g := gantrytest.Start(t, gantrytest.Options{})
	file := func(topics string) string {
		return fmt.Sprintf("functions: {f: {http: %q}}\nmappings:\n  both: {function: f, brokers: [%q], %s, startingPosition: TRIM_HORIZON, consumerGroupId: %s}\n",
			fn.URL, c.Brokers()[0], topics, orders)
	}
	apply(t, g, file("topics: ["+orders+", "+payments+"]"))
	g.MustCLI("wait", "both", "--settled", "--timeout", "1m")
	want := map[string][]int64{orders + "-0": {0, 1}, orders + "-1": {0}, payments + "-0": {0, 1}, payments + "-1": {0}}
	require.Equal(t, want, partitionsOf(t, fn))
	for _, topic := range []string{orders, payments} {
		require.Equal(t, map[int32]int64{0: 2, 1: 1}, c.Committed(t, orders, topic))
	}
	require.Contains(t, g.MustCLI("status"), orders+", "+payments)
	require.Contains(t, g.MustCLI("describe", "mapping", "both"), "topics:")
	require.Contains(t, g.MustCLI("doctor", "mapping", "both"), "commits for 4 of 4 partitions, lag 0")
	listed, err := g.Lambda().ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.Equal(t, []string{orders, payments}, listed.EventSourceMappings[0].Topics)

	said, code := g.CLI("records", "show", "both", "--partition", "0", "--offset", "1")
	require.Equal(t, 1, code)
	require.Contains(t, said, "the mapping reads "+orders+", "+payments+": say which")
	require.Contains(t, g.MustCLI("records", "show", "both", "--partition", payments+"-0", "--offset", "1"), payments+"-0 offset 1")
	g.MustCLI("pause", "both")
	require.Eventually(t, func() bool {
		_, code := g.CLI("offsets", "reset", "both", "--to", "earliest", "--partition", payments+"-0", "--reason", "again", "--yes")
		return code == 0
	}, time.Minute, 200*time.Millisecond)
	g.MustCLI("resume", "both")
	g.MustCLI("wait", "both", "--settled", "--timeout", "1m")
	want[payments+"-0"] = []int64{0, 1, 0, 1}
	require.Equal(t, want, partitionsOf(t, fn))

	apply(t, g, file("topics: ["+refunds+", "+orders+", "+payments+"]"))
	kafkatest.ProduceValues(t, c, orders, 1, "d")
	require.Eventually(t, func() bool {
		return len(partitionsOf(t, fn)[refunds+"-0"]) == 2 && len(partitionsOf(t, fn)[orders+"-1"]) == 2
	}, time.Minute, 100*time.Millisecond)
	g.MustCLI("wait", "both", "--settled", "--timeout", "1m")
	want[refunds+"-0"], want[refunds+"-1"], want[orders+"-1"] = []int64{0, 1}, []int64{0}, []int64{0, 1}
	require.Equal(t, want, partitionsOf(t, fn), "nothing else came twice")
}
