package deadletter

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline/encode"
	"gantry/pipeline/settle"
	"gantry/record"
)

// mostEvent leaves room for base64 and the members around it in the 6,291,456 bytes of an
// event.
const mostEvent = 4 << 20

// A function that is not reached is tried again so often, with these pauses doubling.
const (
	mostReaches = 6
	firstPause  = 500 * time.Millisecond
)

// function is the one an item goes to: the mapping's, or of several the one that gave its
// letter up. "" where that one is none of the mapping's any more.
func (r *redrive) function(it item) string {
	m := r.mapping
	switch name := it.letter.FunctionName(); {
	case !m.Several():
		return m.Functions[0].Function
	case m.Uses(name):
		return name
	}
	return ""
}

// invoke calls the function with AWS's event of the records. A batch that fails
// whole is cut in halves, so that one bad record does not hold the others; what fails
// alone stays a letter and is noted. A function that is not reached ends the redrive and
// is held against nobody.
func (r *redrive) invoke(ctx context.Context, items []item) error {
	if r.function(items[0]) == "" {
		gone := function.Outcome{Message: fmt.Sprintf("function %s is none of the mapping's any more; --to topic gives the record to all of its functions",
			items[0].letter.FunctionName())}
		failed := map[int]bool{}
		for i := range items {
			failed[i] = true
		}
		return r.note(ctx, items, failed, gone)
	}
	batch, order := r.event(items)
	out, err := r.reach(ctx, items, batch)
	if err != nil {
		return err
	}
	failed := map[int]bool{}
	switch out.Class {
	case function.Succeeded:
		if r.mapping.PartialAnswers {
			named, bad := settle.ReadFailures(out.Answer, batch)
			if bad != nil {
				out.Message = bad.Error()
				return r.failed(ctx, items, out)
			}
			for part, places := range named {
				for _, place := range places {
					failed[order[part][place]] = true
				}
			}
			out.Message = "the function reported it in batchItemFailures"
		}
	default:
		return r.failed(ctx, items, out)
	}
	return r.note(ctx, items, failed, out)
}

// failed cuts a batch that failed whole, or notes the one record it had.
func (r *redrive) failed(ctx context.Context, items []item, out function.Outcome) error {
	if len(items) == 1 {
		return r.note(ctx, items, map[int]bool{0: true}, out)
	}
	half := len(items) / 2
	if err := r.invoke(ctx, items[:half]); err != nil {
		return err
	}
	return r.invoke(ctx, items[half:])
}

// note writes what became of a batch into the ledger, whether somebody still waits or not:
// the function has run.
func (r *redrive) note(ctx context.Context, items []item, failed map[int]bool, out function.Outcome) error {
	var notes []kafka.Addressed
	var good []item
	text := errorOf(out)
	for i, it := range items {
		state, why := Redriven, ""
		if failed[i] {
			state, why = Failed, text
			r.totals.Failed++
			r.say(it.letter.ID, it.rec, Failed, text)
		} else {
			good = append(good, it)
		}
		n, err := r.mark(it, state, why)
		if err != nil {
			return err
		}
		notes = append(notes, n)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := r.writer.Write(ctx, notes); err != nil {
		return err
	}
	return r.redriven(ctx, good)
}

// event makes the batch of some items: partitions apart, records in order of offset.
// order gives the item of each record.
func (r *redrive) event(items []item) (*record.Batch, [][]int) {
	parts, index := map[record.Partition][]int{}, []record.Partition(nil)
	for i, it := range items {
		p := record.Partition{Topic: it.rec.At.Topic, Index: it.rec.At.Partition}
		if parts[p] == nil {
			index = append(index, p)
		}
		parts[p] = append(parts[p], i)
	}
	b, order := &record.Batch{}, [][]int(nil)
	for _, p := range index {
		places := parts[p]
		slices.SortFunc(places, func(a, b int) int { return cmp.Compare(items[a].rec.At.Offset, items[b].rec.At.Offset) })
		part := record.Part{Lane: record.Lane{Topic: p.Topic, Partition: p.Index}}
		for _, i := range places {
			rec := items[i].rec.Record
			rec.Offset, rec.Size = items[i].rec.At.Offset, 0
			rec.Headers = again(rec.Headers, items[i].letter.ID, items[i].count+1)
			part.Records = append(part.Records, rec)
		}
		b.Parts, order = append(b.Parts, part), append(order, places)
	}
	return b, order
}

// reach invokes until the function was reached. Whoever gives up meanwhile is heard
// between two attempts; an invocation under way is waited for.
func (r *redrive) reach(ctx context.Context, items []item, b *record.Batch) (function.Outcome, error) {
	m, name := r.mapping, r.function(items[0])
	source := mapping.SelfManagedType
	if m.Source.ARN != "" {
		source = mapping.MSKType
	}
	enc := encode.New(encode.Envelope{EventSource: source, EventSourceARN: m.Source.ARN, Bootstrap: strings.Join(m.Source.Bootstrap, ",")})
	in := function.Invocation{Payload: enc.Append(nil, b)}
	pause := firstPause
	for n := 1; ; n++ {
		out, err := r.letters.cfg.Invoke(context.WithoutCancel(ctx), name, in)
		if err != nil {
			return out, fmt.Errorf("invoke %s: %w", name, err)
		}
		if out.Class != function.NotReached && out.Class != function.Misconfigured {
			return out, nil
		}
		if n == mostReaches {
			return out, fmt.Errorf("the function %s can't be reached, the letters stay as they are: %s", name, out.Message)
		}
		select {
		case <-time.After(max(pause, out.RetryAfter)):
			pause *= 2
		case <-ctx.Done():
			return out, context.Cause(ctx)
		}
	}
}

// errorOf is the function's own error where it gave one.
func errorOf(out function.Outcome) string {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(out.Answer, &e) == nil && e.ErrorMessage != "" {
		return e.ErrorType + ": " + e.ErrorMessage
	}
	return out.Message
}
