package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// Functions that write the event they get to a file, in each language.
const (
	seenPython = `import json, os
def handler(event, context):
    with open(os.environ["SEEN"], "w") as f:
        json.dump(event, f)
`
	seenNode = `exports.handler = async (event) => { require("fs").writeFileSync(process.env.SEEN, JSON.stringify(event)); };
`
	seenJava = `import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;

public class Seen {
  public void handle(InputStream in, OutputStream out) throws Exception {
    Files.copy(in, Paths.get(System.getenv("SEEN")), StandardCopyOption.REPLACE_EXISTING);
    out.write("null".getBytes());
  }
}
`
	seenGo = `package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, event json.RawMessage) error { return os.WriteFile(os.Getenv("SEEN"), event, 0o600) })
}
`
)

// observer is a function somewhere, and what it saw.
type observer struct {
	entry string // of functions:
	seen  func() []byte
}

// The event is the same wherever a function runs, and as AWS's documentation has it.
func TestTheEventAFunctionSees(t *testing.T) {
	t.Parallel()
	c, topic, dir := kafkatest.Shared(t), kafkatest.Topic(t), t.TempDir()
	c.CreateTopic(t, topic, 1, map[string]string{"retention.ms": "-1"}) // the records have a fixed time, long ago
	kafkatest.Produce(t, c,
		&kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1767225600123), Key: []byte("order-42"), Value: []byte(`{"id":42}`),
			Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte{104, 105, 255}}, {Key: "trace", Value: nil}}},
		&kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1767225600124), Key: []byte("order-42")}, // a tombstone
		&kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1767225600125), Value: []byte{0xff, 0x00}},
		&kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1767225600126), Key: []byte{}, Value: []byte{}},
	)
	cloud := newAWS(t)
	observers := observers(t, dir, cloud)
	var functions, mappings strings.Builder
	for name, o := range observers {
		fmt.Fprintf(&functions, "  %s: {%s}\n", name, o.entry)
		fmt.Fprintf(&mappings, "  %s: {function: %s, brokers: [%q], topic: %s, startingPosition: TRIM_HORIZON, consumerGroupId: %s-%s}\n",
			name, name, c.Brokers()[0], topic, topic, name)
	}
	gantrytest.Start(t, gantrytest.Options{Dir: dir, Env: awsEnv(), Config: "aws: {region: eu-west-1, endpoint: " + cloud.URL + "}\n" +
		"functions:\n" + functions.String() + "mappings:\n" + mappings.String()})
	normal := strings.NewReplacer(topic, "orders", c.Brokers()[0], "broker:9092")
	for name, o := range observers {
		settles(t, c, topic+"-"+name, topic)
		got := indented(t, normal.Replace(string(o.seen())))
		matchFile(t, "testdata/event.json", got, name)
	}
}

func observers(t *testing.T, dir string, cloud *fakeAWS) map[string]observer {
	process := func(name, runtime, handler, code string) observer {
		path := filepath.Join(dir, name+".json")
		return observer{fmt.Sprintf("runtime: %s, handler: %s, code: %s, timeout: 60s, memory: 512MB, environment: {SEEN: %s}", runtime, handler, code, path),
			func() []byte {
				body, err := os.ReadFile(path)
				require.NoError(t, err)
				return body
			}}
	}
	server := fakelambda.Start(t)
	all := map[string]observer{
		"go":     process("go", "provided.al2023", "h", gantrytest.GoFunction(t, seenGo)),
		"http":   {fmt.Sprintf("http: %q", server.URL), func() []byte { return server.Calls()[0].Payload }},
		"lambda": {`arn: "arn:aws:lambda:eu-west-1:123456789012:function:seen"`, func() []byte { return cloud.invoked("seen")[0] }},
	}
	if has("python3", "--version") {
		all["python"] = process("python", "python3.12", "app.handler", gantrytest.PythonFunction(t, seenPython))
	}
	if has("node", "--version") {
		code := t.TempDir()
		writeFile(t, filepath.Join(code, "app.js"), seenNode)
		all["node"] = process("node", "nodejs22.x", "app.handler", code)
	}
	if has("javac", "-version") {
		code := t.TempDir()
		writeFile(t, filepath.Join(code, "Seen.java"), seenJava)
		out, err := exec.Command("javac", "-d", code, filepath.Join(code, "Seen.java")).CombinedOutput()
		require.NoError(t, err, string(out))
		all["java"] = process("java", "java21", "Seen::handle", code)
	}
	return all
}

func has(program, question string) bool { return exec.Command(program, question).Run() == nil }

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// indented writes JSON for people, the keys in order.
func indented(t *testing.T, text string) string {
	t.Helper()
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&v), text)
	body, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return string(body) + "\n"
}

// matchFile compares with a case file, or writes it under -update.
func matchFile(t *testing.T, path, got, of string) {
	t.Helper()
	if *update {
		writeFile(t, path, got)
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, of)
}
