package admin

import (
	"context"
	"net/http"
	"time"

	"gantry/pipeline"
)

// Batch is one batch of a mapping as tail shows it: where it was and what became of
// it, never what was in it.
type Batch struct {
	At        time.Time   `json:"at"`
	Function  string      `json:"function"`
	Parts     []BatchPart `json:"parts"`
	Records   int         `json:"records"`
	Result    string      `json:"result"`
	Failed    int         `json:"failed,omitempty"` // named by a partial batch response
	Message   string      `json:"message,omitempty"`
	ElapsedMS float64     `json:"elapsedMs"`
}

// BatchPart is the share of one partition.
type BatchPart struct {
	Partition string `json:"partition"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Count     int    `json:"count"`
}

func (s *Server) tail(r *http.Request) (following[Batch], error) {
	m, err := s.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return following[Batch]{}, err
	}
	events, end, err := s.cfg.Engine.Watch(m.UUID)
	if err != nil {
		return following[Batch]{}, err
	}
	next := func(ctx context.Context) (Batch, bool) {
		select {
		case e := <-events:
			b := batchOf(e)
			b.Message = s.cfg.MaskText(b.Message)
			return b, true
		case <-ctx.Done():
			return Batch{}, false
		}
	}
	return following[Batch]{next, end}, nil
}

func batchOf(e pipeline.Event) Batch {
	b := Batch{At: e.At, Function: e.Function, Result: e.Class.String(), Failed: e.Failed, Message: e.Message, ElapsedMS: float64(e.Elapsed) / 1e6}
	for _, p := range e.Parts {
		b.Parts = append(b.Parts, BatchPart{p.Partition.String(), p.First, p.Last, p.Count})
		b.Records += p.Count
	}
	return b
}
