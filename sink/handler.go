package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Handler makes the Lambda handler of a Sink: it implements lambda.Handler of
// aws-lambda-go. Safe for use by many goroutines.
func Handler(s Sink, d Deps) *LambdaHandler { return &LambdaHandler{sink: s, deps: d.WithDefaults()} }

// LambdaHandler is what Handler makes.
type LambdaHandler struct {
	sink Sink
	deps Deps
}

// Close ends the Sink.
func (h *LambdaHandler) Close() error { return h.sink.Close() }

// itemFailure is one record of AWS's partial batch response for Kafka: the identifier is
// an object, not the string of the other sources.
type itemFailure struct {
	ItemIdentifier struct {
		Partition string `json:"partition"`
		Offset    int64  `json:"offset"`
	} `json:"itemIdentifier"`
}

// Invoke writes the records of one event. Its error fails the batch as a whole: nothing of
// it was written, or nothing can be said of any single record.
func (h *LambdaHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	records, err := Decode(payload)
	if err != nil {
		return nil, err
	}
	w := &writing{handler: h, records: records, failed: map[int]error{}, again: all(len(records))}
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	answer := map[string]any{}
	maps.Copy(answer, w.answer)
	answer["batchItemFailures"] = w.failures()
	return json.Marshal(answer)
}

// writing is one event being written.
type writing struct {
	handler *LambdaHandler
	records []Record
	again   []int         // those to write, in order
	failed  map[int]error // those that were not, and stay so
	answer  map[string]any
	written int
}

// errBehind is what holds a record back that nothing is wrong with.
var errBehind = errors.New("an earlier record of its partition was not written")

// run writes, and writes again what a busy service put off, while the time lasts.
func (w *writing) run(ctx context.Context) error {
	for attempt := 0; len(w.again) > 0; attempt++ {
		busy, wait := w.write(ctx)
		if len(busy) == 0 {
			break
		}
		first := w.failed[busy[0]]
		if w.written == 0 {
			return first // as a whole: what invokes us waits, and no attempt is spent
		}
		if !pause(ctx, max(wait, backoff(attempt))) {
			break
		}
		for _, i := range busy {
			delete(w.failed, i)
		}
		w.again = busy
	}
	return w.verdict()
}

// write offers what is left once. It gives those that may be offered again at once.
func (w *writing) write(ctx context.Context) (busy []int, wait time.Duration) {
	offered := make([]Record, len(w.again))
	for i, at := range w.again {
		offered[i] = w.records[at]
	}
	result, err := w.handler.sink.Write(ctx, offered)
	if err != nil {
		result = Result{}
		for i := range offered {
			result.Failed = append(result.Failed, Failure{Index: i, Err: err})
		}
	}
	w.answer = joined(w.answer, result.Answer)
	causes := map[int]error{}
	for _, f := range result.Failed {
		causes[f.Index] = f.Err
	}
	if !result.Unordered {
		w.holdBack(causes)
	}
	w.written += len(offered) - len(causes)
	return w.sort(causes)
}

// holdBack fails what stands behind a failed record of its partition. A record that will
// never be taken holds nobody back: waiting for it would be for nothing.
func (w *writing) holdBack(causes map[int]error) {
	stopped := map[string]error{}
	for i, at := range w.again {
		of := w.records[at].Of().String()
		switch err, failed := causes[i]; {
		case stopped[of] != nil && !failed:
			causes[i] = stopped[of]
		case failed && stopped[of] == nil && CauseOf(err) != Refused:
			stopped[of] = &Fault{Cause: CauseOf(err), Err: errBehind, Wait: waitOf(err)}
		}
	}
}

// sort notes what failed, and gives what a busy service put off.
func (w *writing) sort(causes map[int]error) (busy []int, wait time.Duration) {
	for i, at := range w.again {
		err, failed := causes[i]
		if !failed {
			continue
		}
		w.failed[at] = err
		if CauseOf(err) == Busy {
			busy, wait = append(busy, at), max(wait, waitOf(err))
		}
	}
	return busy, wait
}

// verdict is the error of a batch of which nothing was written, for one cause. Records
// that are refused are always named: the others of the batch have done nothing wrong.
func (w *writing) verdict() error {
	if w.written > 0 || len(w.failed) == 0 {
		return nil
	}
	var first error
	for _, i := range slices.Sorted(maps.Keys(w.failed)) {
		err := w.failed[i]
		if CauseOf(err) == Refused && len(w.failed) > 1 {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// failures is the partial batch response, and tells each cause in the function's log.
func (w *writing) failures() []itemFailure {
	list := []itemFailure{}
	for _, i := range slices.Sorted(maps.Keys(w.failed)) {
		r := &w.records[i]
		var f itemFailure
		f.ItemIdentifier.Partition, f.ItemIdentifier.Offset = r.Of().String(), r.Offset
		list = append(list, f)
		if err := w.failed[i]; !errors.Is(err, errBehind) {
			w.handler.deps.Log(fmt.Sprintf("%s: %s: %v", r.Position(), CauseOf(err), err))
		}
	}
	return list
}

func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// joined puts two answers into one: members of both are joined where they are objects,
// put behind each other where they are lists, and otherwise the later one's.
func joined(a, b map[string]any) map[string]any {
	if a == nil {
		return b
	}
	out := maps.Clone(a)
	for name, v := range b {
		switch v := v.(type) {
		case map[string]any:
			before, _ := out[name].(map[string]any)
			out[name] = joined(before, v)
		case []any:
			before, _ := out[name].([]any)
			out[name] = append(slices.Clone(before), v...)
		default:
			out[name] = v
		}
	}
	return out
}

// backoff is full jitter from 100 ms on.
func backoff(attempt int) time.Duration {
	most := min(100*time.Millisecond<<min(attempt, 8), 5*time.Second)
	return most/10 + rand.N(most)
}

// pause waits, unless that would take the time that is left to write.
func pause(ctx context.Context, d time.Duration) bool {
	if until, ok := ctx.Deadline(); ok && time.Until(until) < 2*d+time.Second {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
