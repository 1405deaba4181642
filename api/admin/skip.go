package admin

import (
	"context"
	"time"

	"gantry/pipeline"
	"gantry/record"
	"gantry/store"
)

// skipOrder is the owner's word about records a partition stands on: those that the
// preview of the token showed. Without a token it asks for a preview.
type skipOrder struct {
	Topic     string      `json:"topic"` // needed where the mapping reads several
	Partition int32       `json:"partition"`
	Function  string      `json:"function"` // needed where several functions stand on the records
	Offsets   []offsetRun `json:"offsets"`
	To        string      `json:"to"` // dead-letter or drop
	Reason    string      `json:"reason"`
	Token     string      `json:"token"`
}

// offsetRun is a run of offsets, both ends included.
type offsetRun struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// skipAnswer is what was done, or in a preview what would be.
type skipAnswer struct {
	Token     string          `json:"token"`
	Done      bool            `json:"done"`
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Function  string          `json:"function"` // that skips them
	To        string          `json:"to"`
	Resume    int64           `json:"resume"` // first unresolved offset before
	After     int64           `json:"after"`  // first unresolved offset once these are resolved
	InFlight  bool            `json:"inFlight"`
	Records   []skippedRecord `json:"records"`
}

type skippedRecord struct {
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	Attempts  int       `json:"attempts"`
	Bytes     int       `json:"bytes"`
}

const (
	toDeadLetter = "dead-letter"
	toDrop       = "drop"
)

func (s *Server) skipRecords(ctx context.Context, c call[skipOrder]) (skipAnswer, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return skipAnswer{}, err
	}
	in := c.In
	if in.To != toDeadLetter && in.To != toDrop {
		return skipAnswer{}, badInput("to: want dead-letter or drop")
	}
	topic, err := m.Source.Topic(in.Topic)
	if err != nil {
		return skipAnswer{}, badInput(err.Error())
	}
	order := pipeline.Skip{
		Partition: record.Partition{Topic: topic, Index: in.Partition},
		Function:  in.Function, Drop: in.To == toDrop, Token: in.Token,
	}
	for _, o := range in.Offsets {
		if o.Last < o.First {
			return skipAnswer{}, badInput("offsets: a run ends before it begins")
		}
		order.Offsets = append(order.Offsets, pipeline.Span{First: o.First, Last: o.Last})
	}
	if len(order.Offsets) == 0 {
		return skipAnswer{}, badInput("offsets: is missing; name the records to skip")
	}
	if in.Token == "" {
		v, err := s.cfg.Engine.PreviewSkip(m.UUID, order)
		return skipOf(order, v, false), err
	}
	by, err := s.because(ctx, "skip to "+in.To, in.Reason)
	if err != nil {
		return skipAnswer{}, err
	}
	order.By = by.Actor + ": " + in.Reason
	v, err := s.cfg.Engine.Skip(ctx, m.UUID, order)
	if err != nil {
		return skipAnswer{}, err
	}
	done := skipOf(order, v, true)
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "skip", Kind: store.Mappings, ID: m.UUID, Before: done})
	return done, nil
}

func skipOf(order pipeline.Skip, v pipeline.SkipPreview, done bool) skipAnswer {
	out := skipAnswer{
		Token: v.Token, Done: done, Topic: order.Partition.Topic, Partition: order.Partition.Index, Function: v.Function, To: toDeadLetter,
		Resume: v.Resume, After: v.After, InFlight: v.InFlight, Records: []skippedRecord{},
	}
	if order.Drop {
		out.To = toDrop
	}
	for _, r := range v.Records {
		out.Records = append(out.Records, skippedRecord{r.Offset, r.Timestamp, r.Attempts, r.Bytes})
	}
	return out
}
