package migrate_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// chapters are the commands of docs/leaving.md, by the heading they stand under.
func chapters(t *testing.T) map[string]string {
	t.Helper()
	out, heading, inside := map[string]string{}, "first", false
	for line := range strings.Lines(readFile(t, "../../docs/leaving.md")) {
		switch {
		case strings.HasPrefix(line, "## "):
			heading = strings.TrimSpace(line[3:])
		case strings.HasPrefix(line, "```"):
			inside = strings.HasPrefix(line, "```sh")
		case inside:
			out[heading] += line
		}
	}
	return out
}

// docs/leaving.md as it is written: the group goes to AWS, comes back by the way the page
// tells, and goes to a consumer of one's own, which begins where gantry stopped; then all
// is deleted.
func TestLeaving(t *testing.T) {
	t.Parallel()
	c, dir, w := kafkatest.Start(t, kafkatest.Options{}), t.TempDir(), newWitness(t)
	for _, topic := range []string{"orders", "orders.dead"} {
		c.CreateTopic(t, topic, 2, nil)
	}
	kafkatest.ProduceValues(t, c, "orders", 0, "a", "b", "c")
	x := &two{t: t, c: c, w: w, topic: "orders", group: "orders-service"}
	x.aws = gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("clusters: {main: {brokers: [%q]}}\nfunctions: {work: {http: %q}}\n", c.Brokers()[0], w.url+"/aws")})
	write(t, filepath.Join(dir, "validate", "app.py"), "def handler(event, context): return None\n")
	x.here = gantrytest.Start(t, gantrytest.Options{Dir: dir, Env: append(x.aws.Env(), "AWS_ENDPOINT_URL_LAMBDA="+x.aws.URL), Config: fmt.Sprintf(`clusters: {main: {brokers: [%q]}}
functions: {validate: {runtime: python3.12, handler: app.handler, code: ./validate}}
mappings: {orders: {function: validate, cluster: main, topic: orders, startingPosition: TRIM_HORIZON, consumerGroupId: orders-service, onFailure: "kafka://orders.dead"}}
`, c.Brokers()[0])})
	x.uuid = x.create(x.aws, "work", x.group, false)
	require.Eventually(t, func() bool { _, code := x.here.CLI("describe", "mapping", "orders"); return code == 0 }, 30*time.Second, 50*time.Millisecond)

	tools := c.Tools(t)
	write(t, filepath.Join(tools, "gantry"), fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\" --endpoint %s --data-dir '%s'\n", gantrytest.Binary(t), x.here.URL, x.here.DataDir))
	require.NoError(t, os.Chmod(filepath.Join(tools, "gantry"), 0o755))
	page := chapters(t)
	run := func(chapter string) string {
		t.Helper()
		require.NotEmpty(t, page[chapter], chapter)
		cmd := exec.CommandContext(t.Context(), "sh", "-ex", "-c", page[chapter])
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "UUID="+x.uuid, "BROKER="+c.Brokers()[0])
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", chapter, out)
		delete(page, chapter)
		return string(out)
	}
	run("first")
	out := run("To AWS Lambda")
	require.Contains(t, out, "AWS goes on with group orders-service")
	for _, file := range []string{"aws/template.yaml", "aws/validate.zip", "aws-sam/template.yaml", "aws-terraform/main.tf"} {
		require.FileExists(t, filepath.Join(dir, file))
	}
	require.NoError(t, x.here.Stop())
	x.here.Up() // applies the file, which says nothing of the hand-over
	require.Eventually(t, func() bool { return strings.Contains(x.here.Log(), "stays off: it was handed over to mapping "+x.uuid) }, 30*time.Second, 50*time.Millisecond)
	require.Contains(t, x.here.MustCLI("status"), "orders: handed over to mapping "+x.uuid)
	kafkatest.ProduceValues(t, c, "orders", 0, "for AWS")
	require.Eventually(t, func() bool { return c.Committed(t, x.group, "orders")[0] == 4 }, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, 1, w.count("aws"))
	x.backAgain()

	run("To a consumer of your own")
	x.empty()
	kafkatest.ProduceValues(t, c, "orders", 0, "for you")
	require.Equal(t, "for you", ownConsumer(t, c, x.group))
	x.empty()
	out = run("What stays in Kafka, and what to delete")
	require.Contains(t, out, "kafka-acls --bootstrap-server")
	require.Empty(t, page, "every command of the page was run")
	require.Empty(t, c.Committed(t, x.group, "orders"))
}

// backAgain is the way back from AWS.
func (x *two) backAgain() {
	x.t.Helper()
	off := false
	_, err := x.aws.Lambda().UpdateEventSourceMapping(x.t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &x.uuid, Enabled: &off})
	require.NoError(x.t, err)
	x.empty()
	x.here.MustCLI("resume", "orders")
	kafkatest.ProduceValues(x.t, x.c, "orders", 0, "for gantry again")
	require.Eventually(x.t, func() bool { return x.c.Committed(x.t, x.group, "orders")[0] == 5 }, 30*time.Second, 50*time.Millisecond)
	require.Equal(x.t, 1, x.w.count("aws"), "AWS got no more")
}

func (x *two) empty() {
	x.t.Helper()
	require.Eventually(x.t, func() bool {
		all, err := x.c.Admin(x.t).DescribeGroups(x.t.Context(), x.group)
		return err == nil && all[x.group].State == "Empty"
	}, 60*time.Second, 100*time.Millisecond, "the group is empty")
}

// ownConsumer gives the first value that a consumer reads in a group that has offsets, and
// commits it.
func ownConsumer(t *testing.T, c *kafkatest.Cluster, group string) string {
	t.Helper()
	client := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.DisableAutoCommit())
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	fetched := client.PollFetches(ctx)
	require.NoError(t, fetched.Err())
	records := fetched.Records()
	require.Len(t, records, 1)
	require.NoError(t, client.CommitRecords(ctx, records...))
	return string(records[0].Value)
}
