package aws_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/awspeer"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// refereed are three calls: a model of machine learning, a quantum task, and JSON-RPC of a
// blockchain in a signed request.
const refereed = `region: eu-west-2
aws: {endpoint: "ENDPOINT"}
clusters: {main: {brokers: ["BROKERS"]}}
functions:
  model:
    integration: aws
    timeout: 20s
    settings:
      service: bedrock-runtime
      operation: InvokeModel
      input: '{"modelId": "amazon.titan-text-lite-v1", "contentType": "application/json", "body": {"inputText": {{ json .value.text }}}}'
      answerTopic: TOPIC.answers
      answer: whole
  task:
    integration: aws
    timeout: 20s
    settings:
      service: braket
      operation: CreateQuantumTask
      input: |
        {"deviceArn": "arn:aws:braket:::device/quantum-simulator/amazon/sv1", "shots": {{ json .value.shots }},
         "action": {"source": {{ json .value.text }}}, "outputS3Bucket": "results", "outputS3KeyPrefix": "{{ .topic }}"}
      answerTopic: TOPIC.tasks
  chain:
    integration: signed-http
    timeout: 20s
    settings:
      service: managedblockchain
      url: "ENDPOINT/"
      body: '{"jsonrpc": "2.0", "id": {{ .offset }}, "method": "eth_sendRawTransaction", "params": [{{ json .value.text }}]}'
      answerTopic: TOPIC.chain
      answer: whole
mappings:
  model: {function: model, cluster: main, topic: TOPIC, startingPosition: TRIM_HORIZON, consumerGroupId: TOPIC-model, output: TOPIC.answers}
  task: {function: task, cluster: main, topic: TOPIC, startingPosition: TRIM_HORIZON, consumerGroupId: TOPIC-task, output: TOPIC.tasks}
  chain: {function: chain, cluster: main, topic: TOPIC, startingPosition: TRIM_HORIZON, consumerGroupId: TOPIC-chain, output: TOPIC.chain}
`

// Each call passes botocore's own models and signature, and what it gave back is a record.
func TestBotocoreIsTheReferee(t *testing.T) {
	t.Parallel()
	url := awspeer.Serve(t)
	cluster := kafkatest.Shared(t)
	topic := kafkatest.Topic(t)
	for _, name := range []string{"", ".answers", ".tasks", ".chain"} {
		cluster.CreateTopic(t, topic+name, 1, nil)
	}
	const total = 20
	var load []*kgo.Record
	for n := range total {
		load = append(load, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", n), Value: fmt.Appendf(nil, `{"text":"say \"%d\" é","shots":%d}`, n, 10+n)})
	}
	kafkatest.Produce(t, cluster, load...)
	file := strings.NewReplacer("ENDPOINT", url, "BROKERS", strings.Join(cluster.Brokers(), `", "`), "TOPIC", topic).Replace(refereed)
	g := gantrytest.Start(t, gantrytest.Options{Config: file, Env: environment(awspeer.Key, awspeer.Secret, awspeer.Token)})

	answers := outputs(t, cluster, topic+".answers", total)
	require.Equal(t, fmt.Sprintf("SAY \"%d\" É", 3), field(answers["k3"], "answer", "body", "results", 0, "outputText"))
	tasks := outputs(t, cluster, topic+".tasks", total)
	ids := map[any]bool{}
	for _, task := range tasks {
		require.Contains(t, task["jobId"], "arn:aws:braket:eu-west-2:123456789012:quantum-task/")
		ids[task["jobId"]] = true
	}
	require.Len(t, ids, total, "a task for each record")
	require.Equal(t, topic+"-0-3", tasks["k3"]["token"])
	chain := outputs(t, cluster, topic+".chain", total)
	require.Equal(t, "0x33", field(chain["k3"], "answer", "result"))

	count := map[string]int{}
	for _, c := range awspeer.Seen(t, url) {
		count[c.Service+" "+c.Operation]++
	}
	require.Equal(t, map[string]int{"bedrock-runtime InvokeModel": total, "braket CreateQuantumTask": total, "managedblockchain eth_sendRawTransaction": total}, count)
	g.Kill()
}

// The same calls while the services throttle, fail and lose answers and gantry is killed:
// each record has its answer, and its one task, because the service knows the token again.
func TestRefereedCallsThroughFaults(t *testing.T) {
	t.Parallel()
	peer, cluster, topic := awspeer.Serve(t), kafkatest.Shared(t), kafkatest.Topic(t)
	between := newProxy(t, peer)
	for _, name := range []string{"", ".answers", ".tasks", ".chain"} {
		cluster.CreateTopic(t, topic+name, 1, nil)
	}
	total := kafkatest.Size(60, 600)
	load := func(from, to int) {
		var list []*kgo.Record
		for n := from; n < to; n++ {
			list = append(list, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", n), Value: fmt.Appendf(nil, `{"text":"%d","shots":%d}`, n, 1+n)})
		}
		kafkatest.Produce(t, cluster, list...)
	}
	file := strings.NewReplacer("ENDPOINT", between.URL, "BROKERS", strings.Join(cluster.Brokers(), `", "`), "TOPIC", topic).Replace(refereed)
	g := gantrytest.Start(t, gantrytest.Options{Config: file, Env: environment(awspeer.Key, awspeer.Secret, awspeer.Token)})
	t.Cleanup(g.Kill)
	load(0, total/2)
	await(t, func() bool { return len(awspeer.Seen(t, peer)) > total/4 })
	g.Kill()
	g.Up()
	load(total/2, total)

	answers, tasks, chain := outputs(t, cluster, topic+".answers", total), outputs(t, cluster, topic+".tasks", total), outputs(t, cluster, topic+".chain", total)
	jobs := map[any]string{}
	for n := range total {
		key := fmt.Sprintf("k%d", n)
		require.Equal(t, fmt.Sprint(n), field(answers[key], "answer", "body", "results", 0, "outputText"))
		require.NotNil(t, field(chain[key], "answer", "result"))
		jobs[tasks[key]["jobId"]] = key
	}
	require.Len(t, jobs, total, "a task for each record")
	tokens := map[any]bool{}
	for _, c := range awspeer.Seen(t, peer) {
		if c.Operation == "CreateQuantumTask" {
			tokens[c.Params["clientToken"]] = true
		}
	}
	require.Len(t, tokens, total, "no task twice")
	for _, fault := range []string{"throttle", "unavailable", "lose"} {
		require.Positive(t, between.times(" "+fault), fault)
	}
	t.Log(between.count, len(awspeer.Seen(t, peer)))
}

// A wrong secret is refused by the signature alone, and nothing moves on.
func TestAWrongSignatureIsRefused(t *testing.T) {
	t.Parallel()
	url := awspeer.Serve(t)
	cluster := kafkatest.Shared(t)
	topic := kafkatest.Topic(t)
	for _, name := range []string{"", ".answers", ".tasks", ".chain"} {
		cluster.CreateTopic(t, topic+name, 1, nil)
	}
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(`{"text":"a","shots":1}`)})
	file := strings.NewReplacer("ENDPOINT", url, "BROKERS", strings.Join(cluster.Brokers(), `", "`), "TOPIC", topic).Replace(refereed)
	g := gantrytest.Start(t, gantrytest.Options{Config: file, Env: environment(awspeer.Key, "not-the-secret", awspeer.Token)})
	await(t, func() bool {
		return strings.Contains(g.Log()+g.MustCLI("logs", "task")+g.MustCLI("status"), "InvalidSignatureException")
	})
	require.Empty(t, awspeer.Seen(t, url))
	require.Empty(t, cluster.Committed(t, topic+"-task", topic)[0])
}

// outputs reads the records of a topic by key.
func outputs(t *testing.T, cluster *kafkatest.Cluster, topic string, n int) map[string]map[string]any {
	t.Helper()
	cl := cluster.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	byKey := map[string]map[string]any{}
	await(t, func() bool {
		cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			var v map[string]any
			require.NoError(t, json.Unmarshal(r.Value, &v), string(r.Value))
			byKey[string(r.Key)] = v
		})
		return len(byKey) == n
	})
	return byKey
}

func field(v any, path ...any) any {
	for _, at := range path {
		switch at := at.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[at]
		case int:
			l, _ := v.([]any)
			if at >= len(l) {
				return nil
			}
			v = l[at]
		}
	}
	return v
}
