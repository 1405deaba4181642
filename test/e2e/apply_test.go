package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

func errorsAs[T error](err error, to *T) bool { return errors.As(err, to) }

// change is what apply says of one function or mapping.
type change struct{ Kind, Name, Action string }

// apply runs gantry apply and gives what it says.
func apply(t *testing.T, g *gantrytest.Gantry, text string, flags ...string) []change {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gantry.yaml")
	writeFile(t, path, text)
	var out struct{ Changes []change }
	require.NoError(t, json.Unmarshal([]byte(g.MustCLI(append([]string{"apply", "-f", path, "-o", "json"}, flags...)...)), &out))
	return out.Changes
}

// A file is the wish: applied twice it changes nothing, a dry run changes nothing, what
// leaves it is paused, and only --prune deletes.
func TestApply(t *testing.T) {
	t.Parallel()
	c, topic, fn := kafkatest.Shared(t), kafkatest.Topic(t), fakelambda.Start(t)
	c.CreateTopic(t, topic, 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, "a")
	g := gantrytest.Start(t, gantrytest.Options{})
	functions := fmt.Sprintf("functions: {f: {http: %q}, g: {http: %q}}\n", fn.URL, fn.URL)
	mapping := func(name, more string) string {
		return fmt.Sprintf("  %s: {function: f, brokers: [%q], topic: %s, startingPosition: TRIM_HORIZON, consumerGroupId: %s-%s%s}\n",
			name, c.Brokers()[0], topic, topic, name, more)
	}
	file := functions + "mappings:\n" + mapping("one", "") + mapping("two", "")
	all := func(action string) []change {
		return []change{{"function", "f", action}, {"function", "g", action}, {"mapping", "one", action}, {"mapping", "two", action}}
	}
	require.Equal(t, all("create"), apply(t, g, file, "--dry-run"))
	require.JSONEq(t, `{"mappings":[]}`, g.MustCLI("get", "mappings", "-o", "json"))
	require.Equal(t, all("create"), apply(t, g, file))
	g.MustCLI("wait", "two", "--settled", "--timeout", "1m")
	require.Equal(t, all("unchanged"), apply(t, g, file))

	shorter := functions + "mappings:\n" + mapping("one", ", batchSize: 7")
	want := []change{{"function", "f", "unchanged"}, {"function", "g", "unchanged"}, {"mapping", "one", "update"}, {"mapping", "two", "pause"}}
	require.Equal(t, want, apply(t, g, shorter, "--dry-run"))
	require.Equal(t, want, apply(t, g, shorter))
	require.Equal(t, map[int32]int64{0: 1}, c.Committed(t, topic+"-two", topic))

	pruned := apply(t, g, fmt.Sprintf("functions: {f: {http: %q}}\nmappings:\n", fn.URL)+mapping("one", ", batchSize: 7"), "--prune")
	require.ElementsMatch(t, []change{{"function", "f", "unchanged"}, {"function", "g", "delete"},
		{"mapping", "one", "unchanged"}, {"mapping", "two", "delete"}}, pruned)
}

// boto3 makes a mapping with nothing changed but the endpoint.
func TestAMappingMadeWithBoto3(t *testing.T) {
	t.Parallel()
	python := gantrytest.Kit(t, "venv-aws", "python")
	c, topic, fn := kafkatest.Shared(t), kafkatest.Topic(t), fakelambda.Start(t)
	c.CreateTopic(t, topic, 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, "a", "b")
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("functions: {f: {http: %q}}\n", fn.URL)})
	awaitFunction(t, g, "f")
	cmd := exec.Command(python, "-c", fmt.Sprintf(`import boto3
made = boto3.client("lambda").create_event_source_mapping(FunctionName="f", Topics=[%q], StartingPosition="TRIM_HORIZON",
    SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [%q]}},
    SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": %q})
print(made["UUID"], end="")
`, topic, c.Brokers()[0], topic))
	cmd.Env = append(os.Environ(), g.Env()...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	g.MustCLI("wait", string(out), "--settled", "--timeout", "1m")
	require.Equal(t, []int64{0, 1}, offsetsOf(t, fn))
	require.Equal(t, map[int32]int64{0: 2}, c.Committed(t, topic, topic))
}
