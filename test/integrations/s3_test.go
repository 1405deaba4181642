package integrations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/record"
)

// Every record arrives in the buckets, as JSON lines, Avro and Parquet, while the service
// throttles and breaks off, and gantry is killed in the middle. Independent readers count.
func TestS3LosesNothing(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	count := 20_000
	if os.Getenv("GANTRY_TEST_SIZE") == "full" {
		count = 200_000
	}
	c.CreateTopic(t, topic, 4, nil)
	w := startAWS(t)
	for _, format := range []string{"jsonl", "avro", "parquet"} {
		w.cli("s3api", "create-bucket", "--bucket", "archive-"+format)
	}
	between := standBefore(t, w.URL, 7)
	g := gantrytest.New(t, gantrytest.Options{
		Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"},
		Config: fmt.Sprintf(`
aws: {region: us-east-1, endpoint: %q}
clusters: {onprem: {brokers: [%q]}}
functions:
  jsonl: {integration: s3, settings: {bucket: archive-jsonl, format: jsonl, columns: "offset long, partition int, key string, n long value.n"}, timeout: 20s}
  avro: {integration: s3, settings: {bucket: archive-avro, format: avro, columns: "offset long, partition int, key string, n long value.n"}, timeout: 20s}
  parquet: {integration: s3, settings: {bucket: archive-parquet, format: parquet, columns: "offset long, partition int, key string, n long value.n"}, timeout: 20s}
mappings:
  jsonl: {function: jsonl, cluster: onprem, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 500}
  avro: {function: avro, cluster: onprem, topic: %[3]s, startingPosition: TRIM_HORIZON, batchSize: 500}
  parquet: {function: parquet, cluster: onprem, topic: %[3]s, startingPosition: TRIM_HORIZON, batchSize: 500}
`, between.URL, c.Brokers()[0], topic)})
	g.Up()
	for range 2 {
		kafkatest.Fill(t, c, kafkatest.Load{Topic: topic, Partitions: 4, Records: count / 2, Size: 64})
		require.Eventually(t, func() bool { return sum(c.Committed(t, "gantry.parquet", topic)) > 0 }, time.Minute, 20*time.Millisecond)
		g.Kill()
		g.Up()
	}
	for _, format := range []string{"jsonl", "avro", "parquet"} {
		require.Eventually(t, func() bool { return sum(c.Committed(t, "gantry."+format, topic)) == int64(count) }, 3*time.Minute, 100*time.Millisecond)
		seen := w.positions(t, topic, format)
		require.Len(t, seen, count, "each record is there as %s", format)
	}
	require.Positive(t, between.faults.Load(), "there were faults")
	t.Logf("%d records, %d faults", count, between.faults.Load())
}

func sum(committed map[int32]int64) (n int64) {
	for _, at := range committed {
		n += at
	}
	return n
}

// positions reads every object of a bucket back.
func (w *cloudOf) positions(t *testing.T, topic, format string) map[record.Position]int {
	t.Helper()
	dir := t.TempDir()
	w.cli("s3", "sync", "--quiet", "s3://archive-"+format, dir)
	out, err := exec.CommandContext(t.Context(), gantrytest.Kit(t, "venv-tables", "python"), "-c", readRows, dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	seen := map[record.Position]int{}
	for line := range bytes.Lines(out) {
		p := record.Position{Topic: topic}
		_, err := fmt.Sscan(string(line), &p.Partition, &p.Offset)
		require.NoError(t, err, "%s", line)
		seen[p]++
	}
	return seen
}

// readRows prints partition and offset of each row, read by Apache's reader and fastavro.
const readRows = `
import json, pathlib, sys
import fastavro, pyarrow.parquet as pq

read = {
    ".jsonl": lambda p: map(json.loads, p.open()),
    ".avro": lambda p: fastavro.reader(p.open("rb")),
    ".parquet": lambda p: pq.ParquetFile(p).read().to_pylist(),
}
for path in pathlib.Path(sys.argv[1]).rglob("*.*"):
    if path.is_file():
        for row in read[path.suffix](path):
            print(row["partition"], row["offset"])
`

// The same package of an integration is a function in AWS and a function of gantry.
func TestPackagesRunInAWSAndHere(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	w := startAWS(t)
	w.cli("s3api", "create-bucket", "--bucket", "archive")
	queue := w.cli("sqs", "create-queue", "--queue-name", "orders", "--query", "QueueUrl", "--output", "text")
	w.cli("dynamodb", "create-table", "--table-name", "orders", "--attribute-definitions", "AttributeName=id,AttributeType=S",
		"--key-schema", "AttributeName=id,KeyType=HASH", "--billing-mode", "PAY_PER_REQUEST")
	binary := gantrytest.Binary(t)
	for name, settings := range map[string][]string{
		"s3":       {"bucket=archive"},
		"sqs":      {"queueUrl=" + queue},
		"dynamodb": {"table=orders", "keys=id"},
	} {
		if name != "s3" && kafkatest.Size(0, 1) == 0 {
			continue // one package is enough for an everyday run
		}
		dir := t.TempDir()
		zip := filepath.Join(dir, name+".zip")
		args := []string{"integration", "package", name, "--file", zip, "--binary", binary, "-o", "json"}
		for _, s := range settings {
			args = append(args, "--setting", s)
		}
		var made struct{ Environment map[string]string }
		out, err := exec.CommandContext(t.Context(), binary, args...).Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &made))
		environment := made.Environment
		environment["AWS_ENDPOINT_URL"] = w.URL

		// In AWS: an event of a Kafka event source mapping.
		variables, err := json.Marshal(map[string]any{"Variables": environment})
		require.NoError(t, err)
		w.cli("lambda", "create-function", "--function-name", name, "--runtime", "provided.al2023", "--handler", "bootstrap", "--role", "arn:aws:iam::123456789012:role/r",
			"--zip-file", "fileb://"+zip, "--environment", string(variables), "--timeout", "30", "--memory-size", "512")
		w.cli("lambda", "wait", "function-active-v2", "--function-name", name)
		event := filepath.Join(dir, "event.json")
		require.NoError(t, os.WriteFile(event, []byte(`{"eventSource":"SelfManagedKafka","records":{"aws-0":[{"topic":"aws","partition":0,"offset":5,"timestamp":1700000000000,"timestampType":"CREATE_TIME","key":"YXdz","value":"eyJpZCI6ImF3cyJ9","headers":[]}]}}`), 0o600))
		answer := filepath.Join(dir, "answer.json")
		said := w.cli("lambda", "invoke", "--function-name", name, "--payload", "file://"+event, answer)
		body, err := os.ReadFile(answer)
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(body), said)

		// Here: the same zip, created through Lambda's API.
		w.runsHere(t, here{name: name, zip: zip, environment: environment, cluster: c})
	}
	keys := w.cli("s3api", "list-objects-v2", "--bucket", "archive", "--query", "Contents[].Key", "--output", "text")
	require.Contains(t, keys, "aws/partition=0/aws-0-00000000000000000005-00000000000000000005.jsonl")
	require.Contains(t, keys, "packaged-s3/partition=0/packaged-s3-0-00000000000000000000-00000000000000000000.jsonl")
	if kafkatest.Size(0, 1) == 0 {
		return
	}
	require.Equal(t, "2", w.cli("sqs", "get-queue-attributes", "--queue-url", queue, "--attribute-names", "ApproximateNumberOfMessages", "--query", "Attributes.ApproximateNumberOfMessages", "--output", "text"))
	for _, id := range []string{"aws", "here"} {
		require.Contains(t, w.cli("dynamodb", "get-item", "--table-name", "orders", "--key", `{"id":{"S":"`+id+`"}}`), id)
	}
}

// here is a package as a function of gantry.
type here struct {
	name, zip   string
	environment map[string]string
	cluster     *kafkatest.Cluster
}

// runsHere makes a package a function of gantry, through Lambda's API, and waits until a
// mapping has given it a record.
func (w *cloudOf) runsHere(t *testing.T, h here) {
	t.Helper()
	topic := "packaged-" + h.name
	h.cluster.CreateTopic(t, topic, 1, nil)
	kafkatest.ProduceValues(t, h.cluster, topic, 0, `{"id":"here"}`)
	profile := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(profile, []byte("[test]\naws_access_key_id = test\naws_secret_access_key = test\n"), 0o600))
	const role = "arn:aws:iam::123456789012:role/r"
	g := gantrytest.Start(t, gantrytest.Options{
		Env:    []string{"AWS_SHARED_CREDENTIALS_FILE=" + profile},
		Config: fmt.Sprintf("roles: {%q: {profile: test}}\nclusters: {onprem: {brokers: [%q]}}\n", role, h.cluster.Brokers()[0]),
	})
	code, err := os.ReadFile(h.zip)
	require.NoError(t, err)
	_, err = g.Lambda().CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &h.name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(role), Timeout: aws.Int32(30),
		Code: &types.FunctionCode{ZipFile: code}, Environment: &types.Environment{Variables: h.environment},
	})
	require.NoError(t, err)
	made, err := g.Lambda().CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: &h.name, Topics: []string{topic}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": h.cluster.Brokers()}},
		FunctionResponseTypes:  []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return sum(h.cluster.Committed(t, *made.UUID, topic)) == 1 }, time.Minute, 50*time.Millisecond, "%s never commits", h.name)
	g.Kill()
}
