package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// member is who a group's only member is, and in which generation; another member id is
// another join, another generation a rebalance.
func member(t *testing.T, c *kafkatest.Cluster, group string) string {
	t.Helper()
	all, err := c.Admin(t).DescribeGroups(t.Context(), group)
	require.NoError(t, err)
	require.Len(t, all[group].Members, 1)
	require.Equal(t, "Stable", all[group].State)
	m := all[group].Members[0]
	return fmt.Sprintf("%s %s in generation %d", m.MemberID, *m.InstanceID, c.Generation(t, group))
}

// offsets of all records that a function has had.
func offsetsOf(t *testing.T, fn *fakelambda.Server) (all []int64) {
	t.Helper()
	for _, call := range fn.Calls() {
		var e struct {
			Records map[string][]struct{ Offset int64 }
		}
		require.NoError(t, json.Unmarshal(call.Payload, &e))
		for _, records := range e.Records {
			for _, r := range records {
				all = append(all, r.Offset)
			}
		}
	}
	return all
}

// Batch size, filters, error controls and the function itself change while the member
// stays: no other member of the group notices.
func TestAnUpdateDoesNotLeaveTheGroup(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	first, second := fakelambda.Start(t), fakelambda.Start(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("functions: {first: {http: %q}, second: {http: %q}}\n", first.URL, second.URL)})
	awaitFunction(t, g, "second")
	api := g.Lambda()
	made, err := api.CreateEventSourceMapping(t.Context(), apiMapping("first", topic, c.Brokers()[0]))
	require.NoError(t, err)
	id := aws.ToString(made.UUID)
	kafkatest.ProduceValues(t, c, topic, 0, "a", "b")
	settles(t, c, id, topic)
	require.Equal(t, []int64{0, 1}, offsetsOf(t, first))
	before := member(t, c, id)

	for _, change := range []*lambda.UpdateEventSourceMappingInput{
		{BatchSize: aws.Int32(1), MaximumBatchingWindowInSeconds: aws.Int32(0)},
		{FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"value": ["keep"]}`)}}}},
		{MaximumRetryAttempts: aws.Int32(3), BisectBatchOnFunctionError: aws.Bool(true), MaximumRecordAgeInSeconds: aws.Int32(3600)},
		{FunctionName: aws.String("second")},
	} {
		change.UUID = &id
		_, err := api.UpdateEventSourceMapping(t.Context(), change)
		require.NoError(t, err)
		awaitState(t, api, id, "Enabled")
	}
	kafkatest.ProduceValues(t, c, topic, 0, "keep", "drop", "keep")
	settles(t, c, id, topic)
	require.Equal(t, []int64{2, 4}, offsetsOf(t, second), "filtered, one by one, in the new function")
	require.Len(t, second.Calls(), 2)
	require.Len(t, first.Calls(), 1)
	require.Equal(t, before, member(t, c, id))
	require.NoError(t, g.Stop())
	all, err := c.Admin(t).DescribeGroups(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, all[id].Members, "stopped by SIGTERM it leaves at once")
}

func awaitState(t *testing.T, api *lambda.Client, id, state string) {
	t.Helper()
	require.Eventually(t, func() bool {
		m, err := api.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &id})
		return err == nil && aws.ToString(m.State) == state
	}, 30*time.Second, 20*time.Millisecond, "never %s", state)
}

// Pause keeps the place, resume goes on there, delete ends with 404 and leaves the
// group's offsets where they are.
func TestPauseResumeDeleteAndTags(t *testing.T) {
	t.Parallel()
	c, topic, fn := kafkatest.Shared(t), kafkatest.Topic(t), fakelambda.Start(t)
	c.CreateTopic(t, topic, 1, nil)
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("functions: {f: {http: %q}}\n", fn.URL)})
	awaitFunction(t, g, "f")
	api := g.Lambda()
	in := apiMapping("f", topic, c.Brokers()[0])
	in.Tags = map[string]string{"team": "orders"}
	made, err := api.CreateEventSourceMapping(t.Context(), in)
	require.NoError(t, err)
	id := aws.ToString(made.UUID)
	_, err = api.TagResource(t.Context(), &lambda.TagResourceInput{Resource: made.EventSourceMappingArn, Tags: map[string]string{"stage": "test"}})
	require.NoError(t, err)
	tags, err := api.ListTags(t.Context(), &lambda.ListTagsInput{Resource: made.EventSourceMappingArn})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "orders", "stage": "test"}, tags.Tags)

	kafkatest.ProduceValues(t, c, topic, 0, "a")
	g.MustCLI("wait", id, "--settled", "--timeout", "1m")
	g.MustCLI("pause", id)
	awaitState(t, api, id, "Disabled")
	kafkatest.ProduceValues(t, c, topic, 0, "b")
	out, code := g.CLI("wait", id, "--settled", "--timeout", "1s")
	require.Equal(t, 1, code, out)
	require.Equal(t, []int64{0}, offsetsOf(t, fn))
	g.MustCLI("resume", id)
	g.MustCLI("wait", id, "--settled", "--timeout", "1m")
	require.Equal(t, []int64{0, 1}, offsetsOf(t, fn))

	_, err = api.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: &id})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := api.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &id})
		var gone *types.ResourceNotFoundException
		return errorsAs(err, &gone)
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, map[int32]int64{0: 2}, c.Committed(t, id, topic))
}
