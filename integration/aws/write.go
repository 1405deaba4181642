package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"gantry/cloud/call"
	"gantry/sink"
)

// limits bound a request of a service.
type limits struct {
	entries int
	bytes   int // 0 = no bound of its own
}

// batcher is a Sink that sends entries in requests.
type batcher struct {
	service
	limits limits
	raw    bool // it needs no client
	// entry makes the entry of a record: errSkip, or a Fault of cause Refused.
	entry func(r *sink.Record) (*entry, error)
	// send makes one request and gives an error for each entry, nil for one that was taken.
	send func(ctx context.Context, c *call.Client, list []*entry) []error
	// answers makes the function's answer of the entries that were taken; may be nil.
	answers func(taken []*entry) map[string]any
}

// Write implements sink.Sink. It holds lanes in order itself.
func (b *batcher) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	var c *call.Client
	if !b.raw {
		var err error
		if c, err = b.client(ctx); err != nil {
			return sink.Result{}, err
		}
	}
	w := &writing{b: b, client: c, failed: map[int]error{}, stopped: map[string]error{}}
	for i := range records {
		e, err := b.entry(&records[i])
		switch {
		case errors.Is(err, errSkip):
		case err != nil:
			w.failed[i] = err
		case b.limits.bytes > 0 && e.size > b.limits.bytes:
			w.failed[i] = refused("it has %d bytes as the service counts, which takes at most %d", e.size, b.limits.bytes)
		default:
			e.index, e.record = i, &records[i]
			w.left = append(w.left, e)
		}
	}
	w.run(ctx)
	return w.result(), nil
}

// writing is one Write.
type writing struct {
	b       *batcher
	client  *call.Client
	left    []*entry // in order
	taken   []*entry
	failed  map[int]error
	stopped map[string]error // lanes, and why
	all     error            // why nothing more is sent
}

// run sends what is left in rounds: each holds requests that share no lane, side by side.
func (w *writing) run(ctx context.Context) {
	for len(w.left) > 0 {
		round := w.round()
		errs := make([][]error, len(round))
		var requests sync.WaitGroup
		for n, list := range round {
			requests.Go(func() { errs[n] = w.request(ctx, list) })
		}
		requests.Wait()
		for n, list := range round {
			w.note(list, errs[n])
		}
		if ctx.Err() != nil && w.all == nil {
			w.all = &sink.Fault{Cause: sink.Failed, Err: fmt.Errorf("the function's time ended: %w", context.Cause(ctx))}
		}
		w.holdBack()
	}
}

// round takes the requests that can be under way at once.
func (w *writing) round() [][]*entry {
	var round [][]*entry
	var list, rest []*entry
	bytes, used := 0, map[string]bool{}
	for _, e := range w.left {
		full := len(round) == w.b.settings.Int("parallel")
		if full || e.lane != "" && used[e.lane] {
			rest = append(rest, e)
			continue
		}
		if len(list) == w.b.limits.entries || len(list) > 0 && w.b.limits.bytes > 0 && bytes+e.size > w.b.limits.bytes {
			round, list, bytes = append(round, list), nil, 0
			if len(round) == w.b.settings.Int("parallel") {
				rest = append(rest, e)
				continue
			}
		}
		list, bytes = append(list, e), bytes+e.size
		used[e.lane] = true
	}
	if len(list) > 0 {
		round = append(round, list)
	}
	w.left = rest
	return round
}

// request sends entries, and cuts a request that is refused as a whole until the entry at
// fault is alone.
func (w *writing) request(ctx context.Context, list []*entry) []error {
	errs := w.b.send(ctx, w.client, list)
	if len(list) == 1 || slices.ContainsFunc(errs, func(err error) bool { return err == nil || sink.CauseOf(err) != sink.Refused }) {
		return errs
	}
	half := len(list) / 2
	return append(w.request(ctx, list[:half]), w.request(ctx, list[half:])...)
}

// note keeps what became of a request's entries. A request of which a busy service took
// nothing, or that can't work as configured, says that nothing more is to be sent now.
func (w *writing) note(list []*entry, errs []error) {
	none := true
	for n, e := range list {
		err := errs[n]
		if err == nil {
			w.taken, none = append(w.taken, e), false
			continue
		}
		w.failed[e.index] = err
		cause := sink.CauseOf(err)
		none = none && (cause == sink.Busy || cause == sink.Misconfigured)
		if cause != sink.Refused && e.lane != "" && w.stopped[e.lane] == nil {
			w.stopped[e.lane] = err
		}
	}
	if none {
		w.all = errs[0]
	}
}

// holdBack fails what stands behind a failure without sending it.
func (w *writing) holdBack() {
	var rest []*entry
	for _, e := range w.left {
		why := w.all
		if stopped := w.stopped[e.lane]; e.lane != "" && stopped != nil {
			why = stopped
		}
		if why == nil {
			rest = append(rest, e)
			continue
		}
		w.failed[e.index] = sink.Behind([]int{e.index}, why)[0].Err
	}
	w.left = rest
}

func (w *writing) result() sink.Result {
	out := sink.Result{Unordered: true} // lanes are held here
	for index, err := range w.failed {
		out.Failed = append(out.Failed, sink.Failure{Index: index, Err: err})
	}
	slices.SortFunc(out.Failed, func(a, b sink.Failure) int { return a.Index - b.Index })
	if w.b.answers != nil {
		slices.SortFunc(w.taken, func(a, b *entry) int { return a.index - b.index })
		out.Answer = w.b.answers(w.taken)
	}
	return out
}
