package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/encode"
	"gantry/pipeline/invoke"
	"gantry/pipeline/poll"
	"gantry/record"
)

// still is a cluster and a function that take no time.
type still struct {
	done    atomic.Int64
	end     int64
	reached chan struct{} // closed with the commit of end
}

func (*still) Pause(record.Partition)       {}
func (*still) Resume(record.Partition)      {}
func (*still) Rejoin(context.Context) error { return nil }

func (s *still) Call(_ context.Context, b *record.Batch) function.Outcome {
	s.done.Add(int64(b.Len()))
	return function.Outcome{Class: function.Succeeded}
}

func (s *still) Member() poll.Member { return poll.Member{} }

func (s *still) Commit(_ context.Context, c pipeline.Settled) error {
	for _, at := range c.Offsets {
		if at.At == s.end {
			close(s.reached)
		}
	}
	return nil
}

// BenchmarkLoop is what the loop itself costs for a record, from a poll to its commit, in
// batches of ten.
func BenchmarkLoop(b *testing.B) {
	for name, lanes := range map[string]mapping.Lanes{
		"1-lane": {}, "16-lanes": {PerPartition: 16}, "16-lanes-none": {PerPartition: 16, Order: mapping.OrderNone},
	} {
		b.Run(name, func(b *testing.B) { benchLoop(b, lanes) })
	}
}

func benchLoop(b *testing.B, lanes mapping.Lanes) {
	m := fresh()
	m.BatchSize, m.Lanes = 10, lanes
	const run = 1000
	s := still{end: (int64(b.N) + run - 1) / run * run, reached: make(chan struct{})}
	p := pipeline.New(pipeline.Config{Log: slog.New(slog.DiscardHandler), Settings: pipeline.Settings{
		Mapping: m, Sizer: encode.New(encode.Envelope{}),
		Consumers: []pipeline.Consumer{{Name: "f", Caller: &s, Gate: invoke.NewGate(-1), Parallel: 100}},
	}})
	p.Attach(&s, &s)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go p.Run(ctx)
	id := record.Partition{Topic: "orders"}
	p.Assigned(map[record.Partition]record.Offset{id: {}})
	var keys [][]byte
	for i := range 1000 {
		keys = append(keys, fmt.Appendf(nil, "customer-%d", i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for at := int64(0); at < int64(b.N); at += run {
		c := poll.Chunk{Partition: id, Tail: record.Offset{At: at + run}, Bytes: run * 138, Polled: run}
		for i := range int64(run) {
			c.Records = append(c.Records, record.Record{
				Offset: at + i, Resume: record.Offset{At: at + i}, Key: keys[(at+i)%1000][:10], Size: 200,
			})
		}
		if err := p.Ready(ctx); err != nil {
			b.Fatal(err)
		}
		p.Records([]poll.Chunk{c})
	}
	<-s.reached
}
