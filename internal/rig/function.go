package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gantry/function"
)

// Call is one event as a function got it.
type Call struct {
	Process  string
	Function string
	Parts    map[int32][]int64 // partition → offsets
	Event    events.KafkaEvent
}

// Has says whether a record is in the event.
func (c Call) Has(partition int32, offset int64) bool {
	return slices.Contains(c.Parts[partition], offset)
}

// Len counts the records.
func (c Call) Len() int {
	n := 0
	for _, offsets := range c.Parts {
		n += len(offsets)
	}
	return n
}

// Partitions are those of the event, in order.
func (c Call) Partitions() []int32 { return slices.Sorted(maps.Keys(c.Parts)) }

// Answer is a function: what it does with an event.
type Answer func(ctx context.Context, c Call) function.Outcome

// OK is the answer of a function that is content.
func OK() function.Outcome { return function.Outcome{Class: function.Succeeded, StatusCode: 200} }

// Fails is the answer of a function that threw.
func Fails() function.Outcome {
	return function.Outcome{Class: function.Failed, StatusCode: 200, FunctionError: "Unhandled", Message: "told to fail"}
}

// Report is a partial batch response that names records as "partition/offset".
func Report(failures ...string) function.Outcome {
	items := make([]string, len(failures))
	for i, f := range failures {
		partition, offset, _ := strings.Cut(f, "/")
		items[i] = fmt.Sprintf(`{"itemIdentifier":{"partition":"%s-%s","offset":%s}}`, Topic, partition, offset)
	}
	out := OK()
	out.Answer = []byte(`{"batchItemFailures":[` + strings.Join(items, ",") + "]}")
	return out
}

// ReportOne is a partial batch response that names one record.
func ReportOne(partition int32, offset int64) function.Outcome {
	return Report(fmt.Sprintf("%d/%d", partition, offset))
}

// invoker shows a function's events and answers to the witness.
type invoker struct {
	process  string
	function string
	witness  *Witness
	answer   Answer
	partial  func() bool
}

// Invoke implements function.Invoker.
func (v *invoker) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	c := Call{Process: v.process, Function: v.function, Parts: map[int32][]int64{}}
	if err := json.Unmarshal(in.Payload, &c.Event); err != nil {
		panic(err)
	}
	for _, records := range c.Event.Records {
		for _, r := range records {
			c.Parts[int32(r.Partition)] = append(c.Parts[int32(r.Partition)], r.Offset)
		}
	}
	v.witness.waitWritten()
	v.witness.handed(c)
	defer v.witness.done(c)
	if ctx.Err() != nil {
		return function.Outcome{Class: function.NotReached, Message: "cut before it began"}
	}
	out := v.answer(ctx, c)
	failed, believed := reported(out, c, v.partial())
	if out.Class != function.Succeeded || !believed || v.witness.outputs != nil && !writable(out.Answer) {
		return out
	}
	for partition, offsets := range c.Parts {
		v.witness.succeeded(partition, slices.DeleteFunc(slices.Clone(offsets), func(o int64) bool {
			return failed[fmt.Sprintf("%s-%d@%d", Topic, partition, o)]
		}))
	}
	return out
}

// reported is a second reading of a partial batch response, independent of settle's:
// the records it names, and whether it can be believed.
func reported(out function.Outcome, c Call, partial bool) (failed map[string]bool, believed bool) {
	failed = map[string]bool{}
	if !partial || len(out.Answer) == 0 {
		return failed, true
	}
	var doc map[string]any
	if err := json.Unmarshal(out.Answer, &doc); err != nil {
		return nil, false
	}
	items, _ := doc["batchItemFailures"].([]any)
	for _, item := range items {
		object, _ := item.(map[string]any)
		id, _ := object["itemIdentifier"].(map[string]any)
		name, _ := id["partition"].(string)
		offset, isNumber := id["offset"].(float64)
		known := false
		for partition, offsets := range c.Parts {
			known = known || name == fmt.Sprintf("%s-%d", Topic, partition) && slices.Contains(offsets, int64(offset))
		}
		if !isNumber || !known {
			return nil, false
		}
		failed[fmt.Sprintf("%s@%d", name, int64(offset))] = true
	}
	return failed, true
}
