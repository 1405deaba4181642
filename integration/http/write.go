package http

import (
	"context"
	"sync"

	"gantry/sink"
)

// Write implements sink.Sink.
func (h *service) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	var (
		mu  sync.Mutex
		out = sink.Result{Unordered: h.settings["onError"] == "continue"}
		all sync.WaitGroup
	)
	places := make(chan struct{}, h.settings.Int("parallel"))
	for _, part := range sink.Parts(records) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			failed := h.part(ctx, records, part)
			mu.Lock()
			defer mu.Unlock()
			out.Failed = append(out.Failed, failed...)
		})
	}
	all.Wait()
	return out, nil
}

// part sends the records of one partition.
func (h *service) part(ctx context.Context, records []sink.Record, part []int) []sink.Failure {
	if h.settings["tombstones"] == "skip" {
		part = sink.WithValue(records, part)
	}
	if h.settings["mode"] == "batch" {
		return h.batches(ctx, records, part)
	}
	var failed []sink.Failure
	for n, i := range part {
		err := h.one(ctx, &records[i])
		if err == nil {
			continue
		}
		failed = append(failed, sink.Failure{Index: i, Err: err})
		if h.settings["onError"] == "stop" && sink.CauseOf(err) != sink.Refused || ctx.Err() != nil {
			return append(failed, sink.Behind(part[n+1:], err)...)
		}
	}
	return failed
}

// batches sends many records in one request, and halves what the service finds too large
// or refuses until it is one record.
func (h *service) batches(ctx context.Context, records []sink.Record, part []int) []sink.Failure {
	if len(part) == 0 {
		return nil
	}
	err := h.many(ctx, records, part)
	switch {
	case err == nil:
		return nil
	case len(part) == 1 || sink.CauseOf(err) != sink.Refused:
		failed := []sink.Failure{{Index: part[0], Err: err}}
		return append(failed, sink.Behind(part[1:], err)...)
	}
	failed := h.batches(ctx, records, part[:len(part)/2])
	for _, f := range failed {
		if sink.CauseOf(f.Err) != sink.Refused {
			return append(failed, sink.Behind(part[len(part)/2:], f.Err)...)
		}
	}
	return append(failed, h.batches(ctx, records, part[len(part)/2:])...)
}
