package aws

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

// maxExecutionInput is the longest input of an execution, in bytes of UTF-8 (Step
// Functions API reference, StartExecution).
const maxExecutionInput = 262_144

const stepFunctionsExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-workflow:
    integration: stepfunctions
    settings: { stateMachineArn: "arn:aws:states:eu-west-2:123456789012:stateMachine:order" }
    timeout: 60s
mappings:
  orders-to-workflow: { function: orders-to-workflow, cluster: onprem, topic: orders, batchSize: 100, startingPosition: TRIM_HORIZON }
`

func stepFunctionsSpec() sink.Spec {
	return sink.Spec{
		Name: "stepfunctions", Title: "AWS Step Functions", About: "Starts an execution of a state machine for each record.",
		Settings: common(append(append([]sink.Setting{
			{Name: "stateMachineArn", Required: true, About: "the state machine, a version or an alias of it", Example: "arn:aws:states:eu-west-2:123456789012:stateMachine:order", Check: arn("states")},
			ordering("none", "Executions run side by side: order only says which starts first"),
		}, contents("the input, JSON", "skip", "refuse", "fill")...), answerSettings...), "8"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(s["stateMachineArn"], "states:StartExecution")}
		},
		Limits: "One execution a request; the input has up to 262,144 bytes. A value that is no JSON becomes a JSON text.",
		Repeats: "A standard state machine runs once for each record: the execution's name is the record's topic-partition-offset, which Step Functions refuses to use again for 90 days, " +
			"and that refusal counts as done. (A topic that is made anew counts its offsets anew: give its records another state machine, or another body, within these days.) An express one runs again.",
		Example: stepFunctionsExample, Valid: bodyForFill, New: openStepFunctions,
	}
}

func openStepFunctions(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	m := &stepFunctions{machine: s["stateMachineArn"], order: s["order"], content: c}
	a := newAnswers(s, "states", "StartExecution")
	return &batcher{service: bundled("stepfunctions", m.machine, s, d), limits: limits{1, maxExecutionInput}, entry: m.entry, send: m.send, answers: a.make}, nil
}

type stepFunctions struct {
	machine, order string
	content        content
}

// executionName is what a name may be and be logged to CloudWatch.
var executionName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,80}$`)

func (m *stepFunctions) entry(r *sink.Record) (*entry, error) {
	input, err := m.content.message(r)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(input)) {
		quoted, err := json.Marshal(input)
		if err != nil {
			return nil, err
		}
		input = string(quoted)
	}
	name := fitting(sink.Token(r), executionName)
	return &entry{lane: laneOf(m.order, r), size: len(input), body: map[string]any{"stateMachineArn": m.machine, "name": name, "input": input}}, nil
}

func (m *stepFunctions) send(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "StartExecution", Input: list[0].body})
	if call.Code(err) == "ExecutionAlreadyExists" { // by this record, before
		list[0].answer = map[string]any{"executionArn": m.execution(text(list[0].body["name"]))}
		return []error{nil}
	}
	if err == nil {
		list[0].answer = out.Output
	}
	return []error{faultOf(err)}
}

// execution is the ARN of an execution by its name.
func (m *stepFunctions) execution(name string) string {
	before, machine, _ := strings.Cut(m.machine, ":stateMachine:")
	machine, _, _ = strings.Cut(machine, ":") // a version or an alias
	return before + ":execution:" + machine + ":" + name
}
