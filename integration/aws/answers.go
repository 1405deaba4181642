package aws

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"gantry/sink"
)

// answerSettings are the settings of integrations whose calls give something back.
var answerSettings = []sink.Setting{
	{Name: "answerTopic", About: "Kafka topic for what the service answers, a record for each call: the function's answer then has records, which the mapping's output writes", Example: "orders.jobs"},
	{Name: "answer", About: "what the value of that record holds: job (the job's id) or whole (the answer as well)", Default: "job", Values: []string{"job", "whole"}},
	{Name: "jobId", About: "where in the answer the job's id is, such as job.arn or jobs[0].id; left out, the usual member of the operation", Example: "quantumTaskArn", Check: checkPath},
}

// jobIDs are the members that name what an operation has started, in the order they are
// looked for: Braket, Bedrock's jobs and asynchronous invocations, Step Functions,
// SageMaker, and what other services call theirs.
var jobIDs = []string{"quantumTaskArn", "jobArn", "invocationArn", "executionArn", "InferenceId", "JobRunId", "QueryExecutionId", "jobId", "JobId", "Id", "id"}

// answers makes records of what a service answered.
type answers struct{ topic, service, operation, jobID, what string }

func newAnswers(s sink.Settings, service, operation string) answers {
	return answers{topic: s["answerTopic"], service: service, operation: operation, jobID: s["jobId"], what: s["answer"]}
}

// make gives the function's answer in the form an output takes: records by topic, keys
// and values as base64.
func (a answers) make(taken []*entry) map[string]any {
	if a.topic == "" {
		return nil
	}
	var list []any
	for _, e := range taken {
		if e.answer == nil {
			continue
		}
		record := map[string]any{"value": a.value(e)} // []byte is base64 in JSON
		if e.record.Key != nil {
			record["key"] = e.record.Key
		}
		list = append(list, record)
	}
	if list == nil {
		return nil
	}
	return map[string]any{"records": map[string]any{a.topic: list}}
}

func (a answers) value(e *entry) []byte {
	doc := map[string]any{
		"service": a.service, "operation": a.operation, "token": sink.Token(e.record),
		"topic": e.record.Topic, "partition": e.record.Partition, "offset": e.record.Offset,
	}
	if e.batch > 0 {
		doc["token"], doc["records"] = e.token, e.batch
	}
	answer := readable(e.answer)
	if id, ok := a.find(answer); ok {
		doc["jobId"] = id
	}
	if a.what == "whole" {
		doc["answer"] = answer
	}
	body, err := json.Marshal(doc)
	if err != nil { // it came from JSON, or is text
		return []byte(`{"error":` + strconv.Quote(err.Error()) + `}`)
	}
	return body
}

func (a answers) find(answer any) (any, bool) {
	if a.jobID != "" {
		return walk(answer, a.jobID)
	}
	for _, name := range jobIDs {
		if id, ok := walk(answer, name); ok {
			return id, true
		}
	}
	return nil, false
}

// walk follows a path such as jobs[0].id.
func walk(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[", "."), ".") {
		part = strings.TrimSuffix(part, "]")
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(at) {
				return nil, false
			}
			v = at[n]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// readable gives an answer with blobs that are JSON as JSON, and other text as text; what
// is neither becomes base64.
func readable(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range x {
			out[name] = readable(value)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for n, value := range x {
			out[n] = readable(value)
		}
		return out
	case []byte:
		if json.Valid(x) {
			return sink.Value(x)
		}
	}
	return v
}

// checkPath checks the setting jobId.
func checkPath(path string) error {
	if strings.ContainsAny(path, " $*?'\"") || strings.HasPrefix(path, ".") {
		return errors.New("want names and places, such as job.arn or jobs[0].id")
	}
	return nil
}
