package migrate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// noting is a function that notes each event before it answers, and what its secret was.
const noting = `import json, os, base64

def handler(event, context):
    with open(os.environ["NOTES"], "a") as f:
        f.write(json.dumps({"event": event, "secret": os.environ["TOKEN"]}) + "\n")
    failures = []
    for partition, records in event["records"].items():
        for record in records:
            value = base64.b64decode(record["value"]).decode()
            if "poison" in value:
                raise ValueError("told to fail")
            if "later" in value:
                failures.append({"itemIdentifier": {"partition": partition, "offset": record["offset"]}})
    return {"batchItemFailures": failures}
`

const exported = `clusters: {main: {brokers: [%[1]q]}}
secrets: [{prefix: "secret:", from: {dir: ./secrets}}]
functions:
  note:
    runtime: python3.12
    handler: app.handler
    code: ./note
    timeout: 10s
    memory: 256MB
    environment: {NOTES: %[2]q, LEVEL: "info"}
    secrets: {TOKEN: "secret:token"}
    tags: {team: orders}
mappings:
  orders:
    function: note
    cluster: main
    topic: %[3]s
    startingPosition: TRIM_HORIZON
    consumerGroupId: service-%[3]s
    batchSize: 5
    maximumBatchingWindow: 1s
    filters: [{value: {total: [{numeric: [">", 0]}]}}]
    maximumRetryAttempts: 2
    maximumRecordAge: 1h
    bisectBatchOnFunctionError: true
    reportBatchItemFailures: true
    onFailure: "kafka://%[3]s.dead"
    pollers: {minimum: 1, maximum: 3}
    logLevel: INFO
    tags: {team: orders}
`

const token = "arn:aws:secretsmanager:us-east-1:000000000000:secret:token-Ab12Cd"

// A mapping is exported from a running gantry, and the template is applied to another one
// by AWS's SDK, as CloudFormation would. There it is the same mapping, and the same
// records of a topic make it invoke its function with the same events and give up the same
// records.
func TestExportedMappingBehavesTheSame(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	c, topic, dir := kafkatest.Shared(t), kafkatest.Topic(t), t.TempDir()
	c.CreateTopic(t, topic, 1, nil)
	c.CreateTopic(t, topic+".dead", 1, nil)
	fill(t, c, topic)
	notes := filepath.Join(dir, "notes.jsonl")
	write(t, filepath.Join(dir, "note", "app.py"), noting)
	write(t, filepath.Join(dir, "secrets", "token"), "s3cret")
	here := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(exported, c.Brokers()[0], notes, topic), Dir: dir})
	group, end := "service-"+topic, int64(24)
	settled := func() bool { return c.Committed(t, group, topic)[0] == end }
	require.Eventually(t, settled, 60*time.Second, 100*time.Millisecond, "it is done here")
	first, letters := readNotes(t, notes), dead(t, c, topic)
	require.Greater(t, len(first), 5, "with retries")
	require.NotEmpty(t, letters)

	folder := filepath.Join(dir, "aws")
	out, code := here.CLI("export", "cloudformation", "orders", "-o", folder)
	require.Equal(t, 1, code)
	require.Contains(t, out, "loopback", "what is refused is told")
	require.NoDirExists(t, folder, "and nothing is written")
	here.MustCLI("export", "cloudformation", "orders", "-o", folder, "--accept", "loopback,destination-failure")
	text, err := os.ReadFile(filepath.Join(folder, "template.yaml"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "s3cret")

	there := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("clusters: {main: {brokers: [%q]}}\nnetworks: {subnet-0a1b2c3d: {allow: [\"127.0.0.0/8:*\"]}, sg-0a1b2c3d: {allow: [\"127.0.0.0/8:*\"]}}\n", c.Brokers()[0])})
	again := deployment{t: t, to: there, dir: folder, secrets: map[string]string{token: "s3cret"}, parameters: map[string]string{
		"CodeBucket": "packages", "NoteTokenSecret": token, "MainSubnetOne": "subnet-0a1b2c3d", "MainSubnetTwo": "subnet-0a1b2c3d", "MainSecurityGroup": "sg-0a1b2c3d",
	}}
	uuid := again.run()["OrdersMapping"]
	was, is := shape(t, here, "note"), shape(t, there, "note")
	require.Equal(t, "Disabled", *is.State, "as it is deployed")
	require.Equal(t, bare(was), bare(is), "the same mapping")
	sameFunction(t, here, there)

	// What was uploaded comes out again as it went in.
	second := filepath.Join(dir, "again")
	there.MustCLI("export", "sam", uuid, "-o", second, "--accept", "all")
	require.Equal(t, readFile(t, filepath.Join(folder, "note.zip")), readFile(t, filepath.Join(second, "note.zip")))

	here.MustCLI("pause", "orders")
	var reset string
	require.Eventually(t, func() bool {
		reset = here.MustCLI("offsets", "reset", "orders", "--to", "earliest")
		return strings.Contains(reset, "to do it:")
	}, 30*time.Second, 100*time.Millisecond)
	here.MustCLI("offsets", "reset", "orders", "--to", "earliest", "--reason", "the same again", "--yes")
	require.NoError(t, os.Remove(notes))
	on := true
	_, err = there.Lambda().UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &on})
	require.NoError(t, err)
	require.Eventually(t, settled, 60*time.Second, 100*time.Millisecond, "it is done there")
	require.Equal(t, first, readNotes(t, notes), "the same events, in the same order")
	both := dead(t, c, topic)
	require.Len(t, both, 2*len(letters))
	require.Equal(t, letters, both[len(letters):], "the same records are given up")
}

// fill writes records that are filtered, that fail, and that are reported as failed.
func fill(t *testing.T, c *kafkatest.Cluster, topic string) {
	t.Helper()
	for i := range 24 {
		value := fmt.Sprintf(`{"total":%d}`, i%4)
		switch i {
		case 7:
			value = `{"total":1,"is":"poison"}`
		case 18:
			value = `{"total":1,"is":"later"}`
		}
		kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte{byte(i), 0xff}}}})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// readNotes are the invocations, each as it was, with the records alone that tell it.
func readNotes(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// dead are the keys of the dead letters so far.
func dead(t *testing.T, c *kafkatest.Cluster, topic string) (keys []string) {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic+".dead")
	require.NoError(t, err)
	end, _ := ends.Lookup(topic+".dead", 0)
	client := c.Client(t, kgo.ConsumeTopics(topic+".dead"))
	for int64(len(keys)) < end.Offset {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { keys = append(keys, string(r.Key)) })
	}
	return keys
}

// shape is the one mapping of a function, as AWS's API shows it.
func shape(t *testing.T, g *gantrytest.Gantry, function string) types.EventSourceMappingConfiguration {
	t.Helper()
	out, err := g.Lambda().ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: &function})
	require.NoError(t, err)
	require.Len(t, out.EventSourceMappings, 1)
	return out.EventSourceMappings[0]
}

// bare is a mapping without what every mapping has of its own, and without the VPC
// that a cluster without a login is asked for.
func bare(m types.EventSourceMappingConfiguration) string {
	m.UUID, m.EventSourceMappingArn, m.LastModified, m.State, m.StateTransitionReason, m.LastProcessingResult = nil, nil, nil, nil, nil, nil
	m.SourceAccessConfigurations = nil
	text, _ := json.Marshal(m)
	return string(text)
}

func sameFunction(t *testing.T, here, there *gantrytest.Gantry) {
	t.Helper()
	name := "note"
	a, err := here.Lambda().GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	require.NoError(t, err)
	b, err := there.Lambda().GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	require.NoError(t, err)
	require.Equal(t, []any{a.Runtime, *a.Handler, *a.MemorySize, *a.Timeout}, []any{b.Runtime, *b.Handler, *b.MemorySize, *b.Timeout})
	require.Equal(t, a.Environment.Variables["LEVEL"], b.Environment.Variables["LEVEL"])
	require.Equal(t, "s3cret", b.Environment.Variables["TOKEN"], "resolved when it was deployed")
}

// The API gives a viewer the template without the values of variables, and describes
// itself.
func TestExportByTheAPI(t *testing.T) {
	t.Parallel()
	c, topic, dir := kafkatest.Shared(t), kafkatest.Topic(t), t.TempDir()
	c.CreateTopic(t, topic, 1, nil)
	write(t, filepath.Join(dir, "note", "app.py"), noting)
	write(t, filepath.Join(dir, "secrets", "token"), "s3cret")
	config := fmt.Sprintf(exported, c.Brokers()[0], "hidden-from-viewers", topic) + "keys: [{id: AKADMIN, secret: \"env:ADMIN\", role: admin}, {id: AKVIEWER, secret: \"env:VIEWER\", role: viewer}]\n"
	g := gantrytest.Start(t, gantrytest.Options{Config: config, Dir: dir, Env: []string{"ADMIN=admin-secret-key", "VIEWER=viewer-secret-key"}})
	for id, sees := range map[string]bool{"AKADMIN": true, "AKVIEWER": false} {
		file := filepath.Join(dir, id)
		write(t, file, fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id, map[bool]string{true: "admin-secret-key", false: "viewer-secret-key"}[sees]))
		var got struct {
			Template   string
			Parameters []struct{ Name string }
		}
		require.Eventually(t, func() bool {
			out, code := g.CLI("export", "terraform", "orders", "--accept", "all", "-o", "json", "--key-file", file)
			return code == 0 && json.Unmarshal([]byte(out), &got) == nil
		}, 30*time.Second, 100*time.Millisecond)
		require.Equal(t, sees, strings.Contains(got.Template, "hidden-from-viewers"), got.Template)
		out, code := g.CLI("export", "handover", "orders", "--aws-mapping", "00000000-0000-4000-8000-000000000000", "--dry-run", "--key-file", file)
		require.Equal(t, 1, code)
		require.Equal(t, !sees, strings.Contains(out, "needs the role admin"), out)
	}
	res, err := http.Get(g.URL + "/gantry/v1/export/sam?" + url.Values{"mapping": {"orders"}}.Encode())
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusForbidden, res.StatusCode, "nobody without a key")
}
