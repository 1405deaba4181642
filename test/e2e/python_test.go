package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// powertools parses each event with Powertools' model of it before noting it.
const powertools = `import os
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import KafkaSelfManagedEventModel
` + gantrytest.JournalPython + `
note = handler

def handler(event, context):
    model = parse(event=event, model=KafkaSelfManagedEventModel)
    assert sum(len(r) for r in model.records.values()) == sum(len(r) for r in event["records"].values())
    note(event, context)
`

// Every record exactly once and in order, through a Python function made with the aws
// CLI, nothing changed but the endpoint.
func TestPythonFunctionMadeWithTheAWSCLI(t *testing.T) {
	python := gantrytest.Kit(t, "venv-functions", "python")
	aws := gantrytest.Kit(t, "venv-aws", "aws")
	c := kafkatest.Shared(t)
	const partitions = 12
	each := int64(kafkatest.Size(24_000, 200_000) / partitions)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, partitions, nil)
	kafkatest.Fill(t, c, kafkatest.Load{Topic: topic, Partitions: partitions, Records: int(each * partitions), Size: 200})

	journal := t.TempDir()
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("interpreters: {python3.12: %s}\n", python)})
	cli := func(args ...string) []byte {
		cmd := exec.Command(aws, append([]string{"lambda", "--output", "json"}, args...)...)
		cmd.Env = append(os.Environ(), g.Env()...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return out
	}
	zip := filepath.Join(t.TempDir(), "fn.zip")
	require.NoError(t, os.WriteFile(zip, gantrytest.Zip(t, gantrytest.PythonFunction(t, powertools)), 0o600))
	cli("create-function", "--function-name", "orders", "--runtime", "python3.12", "--handler", "app.handler",
		"--role", "arn:aws:iam::000000000000:role/orders", "--zip-file", "fileb://"+zip, "--timeout", "60", "--memory-size", "512",
		"--environment", "Variables={"+gantrytest.JournalVariable+"="+journal+"}")
	var made struct{ UUID string }
	require.NoError(t, json.Unmarshal(cli("create-event-source-mapping", "--function-name", "orders", "--topics", topic,
		"--starting-position", "TRIM_HORIZON", "--batch-size", "500", "--self-managed-event-source",
		`{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["`+c.Brokers()[0]+`"]}}`), &made))

	g.MustCLI("wait", made.UUID, "--settled", "--timeout", "5m")
	v := gantrytest.ReadJournal(t, journal).Check(topic, same(partitions, each))
	require.Empty(t, gantrytest.First(v.Lost), "lost")
	require.Zero(t, v.Duplicates)
	require.Empty(t, gantrytest.First(v.Disorder), "out of order")
	require.NoError(t, g.Stop())
	for p, at := range c.Committed(t, made.UUID, topic) {
		require.Equal(t, each, at, "partition %d", p)
	}
}

func same(partitions int, count int64) []int64 {
	counts := make([]int64, partitions)
	for i := range counts {
		counts[i] = count
	}
	return counts
}
