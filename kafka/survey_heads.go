package kafka

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"gantry/record"
)

// A batch begins with a header of 61 bytes, not compressed: which offsets it holds and
// from when to when. Brokers give whole batches only, so a fetch has room for one of
// ordinary size (the producers' default), and its records are not looked at.
const (
	headRoom      = 16<<10 + 512
	headBytes     = 61
	headBase      = 0  // int64, the first offset
	headMagic     = 16 // int8, 2 since Kafka 0.11
	headLastDelta = 23 // int32, the last offset less the first
	headFirstTime = 27 // int64, Unix milliseconds
	headMaxTime   = 35
)

// Head is the header of the batch that an offset is in.
type Head struct {
	First, Last       int64     // offsets
	FirstAt, LatestAt time.Time // timestamps
	Known             bool      // false = the broker did not give it, or it is of an old form
}

// At is about when the record at an offset was written, by its place in the batch.
func (h Head) At(offset int64) time.Time {
	if h.Last <= h.First || offset <= h.First {
		return h.FirstAt
	}
	part := float64(min(offset, h.Last)-h.First) / float64(h.Last-h.First)
	return h.FirstAt.Add(time.Duration(part * float64(h.LatestAt.Sub(h.FirstAt))))
}

// mostHeads is how many partitions one request reads a head of.
const mostHeads = 50

// Heads reads the headers of the batches that hold the positions, or of the next ones
// where an offset has no record.
func (s *Surveyor) Heads(ctx context.Context, at []record.Position) (map[record.Position]Head, error) {
	out := make(map[record.Position]Head, len(at))
	for _, batch := range s.byLeader(at) {
		for some := range slices.Chunk(batch, mostHeads) {
			if err := s.heads(ctx, some, out); err != nil {
				return out, err
			}
			for _, p := range some {
				if out[p].Known || len(some) == 1 {
					continue
				}
				// A larger batch comes only where its partition is the first of a request.
				if err := s.heads(ctx, []record.Position{p}, out); err != nil {
					return out, err
				}
			}
		}
	}
	return out, nil
}

func (s *Surveyor) heads(ctx context.Context, at []record.Position, out map[record.Position]Head) error {
	answers, err := s.fetch(ctx, at, headRoom)
	if err != nil {
		return err
	}
	for _, p := range at {
		if a := answers[partitionOf(p)]; a.err == nil {
			out[p] = readHead(a.data.RecordBatches, p.Offset)
		}
	}
	return nil
}

func readHead(b []byte, offset int64) Head {
	if len(b) < headBytes || b[headMagic] != 2 {
		return Head{}
	}
	first := int64(binary.BigEndian.Uint64(b[headBase:]))
	h := Head{
		First: first, Last: first + int64(int32(binary.BigEndian.Uint32(b[headLastDelta:]))),
		FirstAt:  time.UnixMilli(int64(binary.BigEndian.Uint64(b[headFirstTime:]))),
		LatestAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b[headMaxTime:]))),
	}
	h.Known = h.Last >= offset && h.FirstAt.UnixMilli() >= 0
	return h
}
