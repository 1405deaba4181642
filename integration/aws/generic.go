package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

const genericExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  circuits-to-braket:                 # one quantum task a record, once however often it comes
    integration: aws
    settings:
      service: braket
      operation: CreateQuantumTask
      input: |
        {"deviceArn": "arn:aws:braket:::device/quantum-simulator/amazon/sv1", "shots": {{ json .value.shots }},
         "action": {{ string .value.circuit }}, "outputS3Bucket": "results", "outputS3KeyPrefix": "{{ .topic }}"}
      answerTopic: quantum.tasks      # where the tasks' ids go
    timeout: 60s
mappings:
  circuits-to-braket: { function: circuits-to-braket, cluster: onprem, topic: circuits, batchSize: 10, startingPosition: TRIM_HORIZON }
`

func genericSpec() sink.Spec {
	return sink.Spec{
		Name: "aws", Title: "Any AWS service", About: "Calls an operation of a service of AWS for each record or each batch, by the service's public model.",
		Settings: common(append([]sink.Setting{
			{Name: "service", Required: true, About: "as botocore names it: " + strings.Join(call.Services(), ", ") + "; any other with model", Example: "bedrock-runtime"},
			{Name: "operation", Required: true, About: "as the service's API reference names it", Example: "InvokeModel"},
			{Name: "input", Required: true, About: "the operation's input as JSON, a template. A blob is a text, an object (its JSON) or {\"$base64\": …}. With per: batch it sees .records, each as a record's template does, and .token",
				Example: `{"modelId": "amazon.titan-text-lite-v1", "body": {"inputText": {{ json .value.text }}}}`, Check: sink.CheckTemplate},
			{Name: "model", About: "path of the service's service-2.json, for one that is not bundled", Example: "./service-2.json"},
			{Name: "per", About: "what a call is for", Default: "record", Values: []string{"record", "batch"}},
			ordering("key", "With none calls go side by side whatever their keys"),
			{Name: "tombstones", About: "records without a value", Default: "skip", Values: []string{"skip", "refuse", "fill"}},
			{Name: "accept", About: "codes of errors that count as done, such as of what is there already", Example: "ResourceAlreadyExistsException,ConflictException"},
		}, answerSettings...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow("*", actionOf(s))}
		},
		Limits: "Those of the operation: an input that does not fit the service's model is refused before it is sent, and every fault of it is named. " +
			"Protocols json, rest-json and query; event streams and rest-xml are not spoken.",
		Repeats: "Members of the input that the model calls idempotency tokens are filled with a UUID made of topic-partition-offset, so a repeat is the same request to the service; " +
			"{{ .token }} is for those it does not call so. An operation without one is done again. With per: batch the token is of all its records: a batch that is cut otherwise when it comes again is another.",
		Example: genericExample, Valid: validGeneric, New: openGeneric,
	}
}

// actionOf is the IAM action of an operation, which is mostly its name.
func actionOf(s sink.Settings) string {
	prefix := map[string]string{"bedrock-runtime": "bedrock", "bedrock-agent-runtime": "bedrock", "sagemaker-runtime": "sagemaker", "location": "geo",
		"stepfunctions": "states", "timestream-write": "timestream"}[s["service"]]
	if prefix == "" {
		prefix = s["service"]
	}
	return prefix + ":" + s["operation"]
}

func validGeneric(s sink.Settings) []error {
	model, err := modelOf(s)
	if err != nil {
		return []error{fmt.Errorf("service: %w", err)}
	}
	if _, err := model.Operation(s["operation"]); err != nil {
		return []error{fmt.Errorf("operation: %w", err)}
	}
	return nil
}

func modelOf(s sink.Settings) (*call.Model, error) {
	if path := s["model"]; path != "" {
		return readModel(s["service"], path)
	}
	return call.Open(s["service"])
}

func openGeneric(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	input, err := sink.ParseTemplate(s["input"])
	if err != nil {
		return nil, err
	}
	g := &generic{settings: s, input: input, accept: s.List("accept")}
	a := newAnswers(s, s["service"], s["operation"])
	b := &batcher{service: fromFile(s, d), limits: limits{entries: 1}, entry: g.entry, send: g.send, answers: a.make}
	if s["per"] == "batch" {
		return &whole{batcher: b, generic: g}, nil
	}
	return b, nil
}

type generic struct {
	settings sink.Settings
	input    *sink.Template
	accept   []string
}

func (g *generic) entry(r *sink.Record) (*entry, error) {
	if r.Value == nil && g.settings["tombstones"] == "skip" {
		return nil, errSkip
	}
	if r.Value == nil && g.settings["tombstones"] == "refuse" {
		return nil, refused("it has no value, and the setting tombstones refuses that")
	}
	text, err := g.input.Fill(r)
	if err != nil {
		return nil, err
	}
	body, err := inputOf(text)
	return &entry{lane: laneOf(g.settings["order"], r), body: body}, err
}

func inputOf(text string) (map[string]any, error) {
	body, ok := sink.Value([]byte(text)).(map[string]any)
	if !ok {
		return nil, refused("the input it gives is no JSON object; see that texts stand in it as {{ json .value.NAME }}")
	}
	return body, nil
}

func (g *generic) send(ctx context.Context, c *call.Client, list []*entry) []error {
	return []error{g.call(ctx, c, list[0], uuidToken(list[0].record))}
}

func (g *generic) call(ctx context.Context, c *call.Client, e *entry, token string) error {
	out, err := c.Call(ctx, call.Request{Operation: g.settings["operation"], Input: e.body, Token: token})
	if code := call.Code(err); code != "" && slices.Contains(g.accept, code) {
		return nil
	}
	if err != nil {
		return faultOf(err)
	}
	e.answer = out.Output
	return nil
}

// whole is a Sink that makes one call for a batch.
type whole struct {
	*batcher
	generic *generic
}

// Write implements sink.Sink.
func (w *whole) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	var list []any
	var part []int
	for i := range records {
		if records[i].Value != nil || w.settings["tombstones"] == "fill" {
			list, part = append(list, sink.Fields(&records[i])), append(part, i)
		} else if w.settings["tombstones"] == "refuse" {
			return sink.Result{}, &sink.Fault{Cause: sink.Failed, Err: errors.New("a record has no value, and the setting tombstones refuses that")}
		}
	}
	if len(list) == 0 {
		return sink.Result{}, nil
	}
	token := hashed(sink.BatchToken(records, part))
	text, err := w.generic.input.FillWith(map[string]any{"records": list, "token": token})
	if err != nil {
		return sink.Result{}, asWhole(err)
	}
	body, err := inputOf(text)
	if err != nil {
		return sink.Result{}, asWhole(err)
	}
	c, err := w.client(ctx)
	if err != nil {
		return sink.Result{}, err
	}
	e := &entry{record: &records[part[0]], body: body, batch: len(part), token: token}
	if err := w.generic.call(ctx, c, e, uuidOf(token)); err != nil {
		return sink.Result{}, asWhole(err)
	}
	return sink.Result{Answer: w.answers([]*entry{e})}, nil
}

// asWhole takes a refusal of a batch as its failure: no single record is at fault.
func asWhole(err error) error {
	if sink.CauseOf(err) == sink.Refused {
		return &sink.Fault{Cause: sink.Failed, Err: err}
	}
	return err
}
