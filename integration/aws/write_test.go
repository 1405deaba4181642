package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/sink"
)

// playing plays AWS: it answers requests by their target and body.
type playing func(target string, body []byte) (status int, answer any)

func (p playing) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target := r.Header.Get("X-Amz-Target")
	status, answer := p(target[strings.LastIndex(target, ".")+1:], body)
	text, err := json.Marshal(answer)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func (p playing) deps() sink.Deps {
	return sink.Deps{AWS: func(context.Context) (awssdk.Config, error) {
		return awssdk.Config{Region: "eu-west-2", HTTPClient: p, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, nil
	}}
}

func made(t *testing.T, name string, s sink.Settings, p playing) sink.Sink {
	t.Helper()
	return opened(t, name, s, p.deps())
}

func records(n, keys int) []sink.Record {
	list := make([]sink.Record, n)
	for i := range list {
		list[i] = sink.Record{Topic: "orders", Offset: int64(i), Time: time.UnixMilli(1_700_000_000_000), Key: fmt.Appendf(nil, "k%d", i%keys), Value: fmt.Appendf(nil, `{"id":"k%d","n":%d}`, i%keys, i)}
	}
	return list
}

type kinesisRequest struct {
	Records []struct {
		Data         []byte
		PartitionKey string
	}
}

// stream is Kinesis as its documentation warns: any entry may fail, whatever its neighbours do.
type stream struct {
	mu    sync.Mutex
	fail  *rand.Rand
	codes []string
	got   map[string][]int // n by key, in the order taken
}

func (s *stream) answer(_ string, body []byte) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in kinesisRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return 400, map[string]any{"__type": "SerializationException"}
	}
	if s.fail.IntN(5) == 0 {
		return 400, map[string]any{"__type": "ProvisionedThroughputExceededException", "message": "slow down"}
	}
	var out []any
	for _, r := range in.Records {
		if s.fail.IntN(4) == 0 {
			out = append(out, map[string]any{"ErrorCode": s.codes[s.fail.IntN(len(s.codes))], "ErrorMessage": "not now"})
			continue
		}
		var v struct{ N int }
		if err := json.Unmarshal(r.Data, &v); err != nil {
			return 400, map[string]any{"__type": "SerializationException"}
		}
		s.got[r.PartitionKey] = append(s.got[r.PartitionKey], v.N)
		out = append(out, map[string]any{"SequenceNumber": "1", "ShardId": "s"})
	}
	return 200, map[string]any{"Records": out}
}

// Whatever fails, every record arrives, and those of a key in their order, each once:
// what is reported is exactly what was not taken.
func TestOrderOfAKeyThroughPartialFailures(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		s := &stream{fail: rand.New(rand.NewPCG(seed, 1)), codes: []string{"ProvisionedThroughputExceededException", "InternalFailure"}, got: map[string][]int{}}
		k := made(t, "kinesis", sink.Settings{"stream": "clicks"}, s.answer)
		left := records(300, 7)
		for round := 0; len(left) > 0; round++ {
			require.Less(t, round, 2000)
			out, err := k.Write(t.Context(), left)
			require.NoError(t, err)
			require.True(t, out.Unordered)
			var again []sink.Record
			for _, f := range out.Failed {
				again = append(again, left[f.Index])
			}
			left = again
		}
		total := 0
		for key, got := range s.got {
			require.IsIncreasing(t, got, "key %s, seed %d", key, seed)
			total += len(got)
		}
		require.Equal(t, 300, total)
	}
}

func TestRequestsKeepToTheLimits(t *testing.T) {
	t.Parallel()
	most, bytes := 0, 0
	k := made(t, "kinesis", sink.Settings{"stream": "clicks", "parallel": "1"}, func(_ string, body []byte) (int, any) {
		var in kinesisRequest
		if err := json.Unmarshal(body, &in); err != nil {
			return 500, nil
		}
		size := 0
		out := make([]any, len(in.Records))
		for i, r := range in.Records {
			size += len(r.Data) + len(r.PartitionKey)
			out[i] = map[string]any{"SequenceNumber": "1"}
		}
		most, bytes = max(most, len(in.Records)), max(bytes, size)
		return 200, map[string]any{"Records": out}
	})
	list := records(1200, 1200)
	for i := range 15 {
		list[i].Value = make([]byte, 1<<20)
	}
	list[40].Value = make([]byte, 11<<20)
	out, err := k.Write(t.Context(), list)
	require.NoError(t, err)
	require.Len(t, out.Failed, 1)
	require.Equal(t, 40, out.Failed[0].Index)
	require.Equal(t, sink.Refused, sink.CauseOf(out.Failed[0].Err))
	require.Equal(t, 500, most)
	require.LessOrEqual(t, bytes, 10<<20)
}

// A request that is refused as a whole is cut until the record at fault is alone.
func TestTheRecordAtFaultIsFound(t *testing.T) {
	t.Parallel()
	d := made(t, "dynamodb", sink.Settings{"table": "orders", "keys": "id"}, func(_ string, body []byte) (int, any) {
		if strings.Contains(string(body), `"n":{"N":"17"}`) {
			return 400, map[string]any{"__type": "com.amazon.coral.validate#ValidationException", "message": "no"}
		}
		return 200, map[string]any{"UnprocessedItems": map[string]any{}}
	})
	out, err := d.Write(t.Context(), records(60, 60))
	require.NoError(t, err)
	require.Len(t, out.Failed, 1)
	require.Equal(t, 17, out.Failed[0].Index)
	require.Equal(t, sink.Refused, sink.CauseOf(out.Failed[0].Err))
}

func TestADenialStopsAndIsAConfigurationsFault(t *testing.T) {
	t.Parallel()
	calls := 0
	q := made(t, "sqs", sink.Settings{"queueUrl": "https://sqs.eu-west-2.amazonaws.com/123456789012/orders", "parallel": "1"}, func(string, []byte) (int, any) {
		calls++
		return 403, map[string]any{"__type": "AccessDeniedException", "message": "no"}
	})
	out, err := q.Write(t.Context(), records(500, 500))
	require.NoError(t, err)
	require.Len(t, out.Failed, 500)
	for _, f := range out.Failed {
		require.Equal(t, sink.Misconfigured, sink.CauseOf(f.Err))
	}
	require.Equal(t, 1, calls, "what is denied is not asked for again")
}

func TestAnExecutionThatIsThereIsDone(t *testing.T) {
	t.Parallel()
	m := made(t, "stepfunctions", sink.Settings{"stateMachineArn": "arn:aws:states:eu-west-2:123456789012:stateMachine:order", "answerTopic": "started"},
		func(string, []byte) (int, any) { return 400, map[string]any{"__type": "ExecutionAlreadyExists"} })
	out, err := m.Write(t.Context(), records(1, 1))
	require.NoError(t, err)
	require.Empty(t, out.Failed)
	value := out.Answer["records"].(map[string]any)["started"].([]any)[0].(map[string]any)["value"].([]byte)
	require.Contains(t, string(value), `"jobId":"arn:aws:states:eu-west-2:123456789012:execution:order:orders-0-0"`)
}

func TestSettingsAreCheckedAgainstTheModel(t *testing.T) {
	t.Parallel()
	sp := genericSpec()
	require.ErrorContains(t, sp.Check(sink.Settings{"service": "braket", "operation": "CreateTask", "input": "{}"}), `operation: braket has no operation "CreateTask"`)
	require.ErrorContains(t, sp.Check(sink.Settings{"service": "ec2", "operation": "RunInstances", "input": "{}"}), `service: no model of a service "ec2" is bundled`)
	require.ErrorContains(t, sp.Check(sink.Settings{"service": "ec2", "operation": "RunInstances", "input": "{}", "model": "./not-there.json"}), "not-there.json")
	require.NoError(t, sp.Check(sink.Settings{"service": "braket", "operation": "CreateQuantumTask", "input": "{}"}))
}

func TestARecordThatFitsNoTemplateIsRefusedAlone(t *testing.T) {
	t.Parallel()
	g := made(t, "aws", sink.Settings{"service": "sqs", "operation": "SendMessage", "input": `{"QueueUrl":"q","MessageBody":{{ json .value.id }}}`},
		func(string, []byte) (int, any) { return 200, map[string]any{"MessageId": "m"} })
	list := records(3, 3)
	list[1].Value = []byte(`{"other":1}`)
	out, err := g.Write(t.Context(), list)
	require.NoError(t, err)
	require.Len(t, out.Failed, 1)
	require.Equal(t, 1, out.Failed[0].Index)
	var f *sink.Fault
	require.True(t, errors.As(out.Failed[0].Err, &f) && f.Cause == sink.Refused)
}

// The version that stays is the newest, however often and in whatever order records come.
func TestAnOlderRecordNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	have := map[string]int{}
	d := made(t, "dynamodb", sink.Settings{"table": "orders", "keys": "id", "write": "newest"}, func(target string, body []byte) (int, any) {
		mu.Lock()
		defer mu.Unlock()
		var in struct {
			Item                      map[string]map[string]any
			ConditionExpression       string
			ExpressionAttributeValues map[string]map[string]string
		}
		if err := json.Unmarshal(body, &in); err != nil || target != "PutItem" || in.ConditionExpression != "attribute_not_exists(#v) OR #v < :v" {
			return 400, map[string]any{"__type": "ValidationException"}
		}
		version, err := strconv.Atoi(in.ExpressionAttributeValues[":v"]["N"])
		if err != nil {
			return 400, map[string]any{"__type": "ValidationException"}
		}
		id := in.Item["id"]["S"].(string)
		if at, there := have[id]; there && at >= version {
			return 400, map[string]any{"__type": "ConditionalCheckFailedException"}
		}
		have[id] = version
		return 200, map[string]any{}
	})
	list := records(20, 4)
	for range 2 { // again
		out, err := d.Write(t.Context(), list)
		require.NoError(t, err)
		require.Empty(t, out.Failed)
	}
	require.Equal(t, map[string]int{"k0": 16, "k1": 17, "k2": 18, "k3": 19}, have)
}

// The same through the handler, one entry a request: what the answer does not name was taken.
func TestNothingIsLostOneByOne(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	draw := rand.New(rand.NewPCG(3, 4))
	got := map[string]bool{}
	m := made(t, "stepfunctions", sink.Settings{"stateMachineArn": "arn:aws:states:eu-west-2:123456789012:stateMachine:order"}, func(_ string, body []byte) (int, any) {
		mu.Lock()
		defer mu.Unlock()
		var in struct{ Name string }
		if err := json.Unmarshal(body, &in); err != nil {
			return 500, nil
		}
		switch draw.IntN(10) {
		case 0:
			return 400, map[string]any{"__type": "ThrottlingException"}
		case 1:
			return 500, map[string]any{"__type": "InternalFailure"}
		}
		got[in.Name] = true
		return 200, map[string]any{"executionArn": in.Name}
	})
	left := records(200, 20)
	for round := 0; len(left) > 0; round++ {
		require.Less(t, round, 500)
		out, err := m.Write(t.Context(), left)
		require.NoError(t, err)
		var again []sink.Record
		failed := map[int]bool{}
		for _, f := range out.Failed {
			failed[f.Index] = true
			again = append(again, left[f.Index])
		}
		for i := range left {
			require.True(t, failed[i] || got[sink.Token(&left[i])], "record %d is neither", i)
		}
		left = again
	}
	require.Len(t, got, 200)
}

// Two batches with the same first and last record and others between them are two calls to
// a service that keeps client tokens.
func TestTheTokenOfABatchIsOfAllItsRecords(t *testing.T) {
	t.Parallel()
	tokens := map[string]bool{}
	s := made(t, "aws", sink.Settings{"service": "athena", "operation": "StartQueryExecution", "per": "batch", "answerTopic": "jobs",
		"input": `{"QueryString": "select {{ len .records }}"}`},
		func(_ string, body []byte) (int, any) {
			var in struct{ ClientRequestToken string }
			_ = json.Unmarshal(body, &in)
			tokens[in.ClientRequestToken] = true
			return 200, map[string]any{"QueryExecutionId": "q-" + in.ClientRequestToken}
		})
	all := records(3, 3)
	for _, batch := range [][]sink.Record{{all[0], all[2]}, all, all} {
		result, err := s.Write(t.Context(), batch)
		require.NoError(t, err)
		require.Empty(t, result.Failed)
		list := result.Answer["records"].(map[string]any)["jobs"].([]any)
		require.Len(t, list, 1)
		require.Contains(t, string(list[0].(map[string]any)["value"].([]byte)), fmt.Sprintf(`"records":%d`, len(batch)))
	}
	require.Len(t, tokens, 2)
}
