package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"gantry/deadletter"
	"gantry/store"
)

// redriveOrder is what shall be redriven, and where to. Without a token it asks for a
// preview.
type redriveOrder struct {
	From   string               `json:"from"` // "" = the mapping's onFailure
	Select deadletter.Selection `json:"select"`
	// To is function, topic (where the records came from), kafka://TOPIC, or file:PATH,
	// which whoever asks has written already.
	To      string  `json:"to"`
	Rate    float64 `json:"rate"`        // records a second; 0 = as fast as it goes
	Most    int     `json:"most"`        // redrives of one record; 0 = 3
	Force   bool    `json:"force"`       // also what was redriven as often
	Expired bool    `json:"dropExpired"` // letters of which only expired records are left are taken away
	Reason  string  `json:"reason"`
	Token   string  `json:"token"`
}

// redriveLine is one line of a redrive: one of its members. The last is the preview, the
// end, or the error that ended it.
type redriveLine struct {
	Progress *progressView `json:"progress,omitempty"`
	Record   *stayView     `json:"record,omitempty"` // one that stays a letter
	Preview  *previewView  `json:"preview,omitempty"`
	End      *endView      `json:"end,omitempty"`
	Error    *errorBody    `json:"error,omitempty"`
}

type progressView struct {
	Done   int64             `json:"done"`
	Of     int64             `json:"of"`
	Totals deadletter.Totals `json:"totals"`
}

type stayView struct {
	Letter   string `json:"letter"`
	Position string `json:"position"`
	State    string `json:"state"` // failed, held, expired
	Error    string `json:"error,omitempty"`
}

type previewView struct {
	Token  string            `json:"token"`
	Place  string            `json:"place"`
	Target string            `json:"target"`
	Totals deadletter.Totals `json:"totals"`
}

type endView struct {
	Place  string            `json:"place"`
	Totals deadletter.Totals `json:"totals"`
}

// redriveDeadLetters is a stream that has a body.
func (s *Server) redriveDeadLetters() endpoint {
	e := stream(s, s.openRedrive)
	e.in = reflect.TypeFor[redriveOrder]()
	return e
}

func (s *Server) openRedrive(r *http.Request) (following[redriveLine], error) {
	none := following[redriveLine]{}
	var in redriveOrder
	if err := decode(r.Body, &in); err != nil {
		return none, badInput(fmt.Sprintf("the body can't be read: %v", err))
	}
	order, err := in.order(s)
	if err != nil {
		return none, err
	}
	id := r.PathValue("id")
	m, err := s.find(r.Context(), id)
	if err != nil {
		return none, err
	}
	var by store.Write
	if in.Token != "" {
		if by, err = s.because(r.Context(), "redrive dead letters", in.Reason); err != nil {
			return none, err
		}
		order.By = by.Actor
	}
	box, err := s.box(r.Context(), id, in.From)
	if err != nil {
		return none, err
	}
	return pushed(r.Context(), box.Close, func(ctx context.Context, emit func(redriveLine)) {
		tell := func(e deadletter.Event) { emit(s.lineOf(e)) }
		if in.Token == "" {
			emit(s.preview(ctx, box, order, tell))
			return
		}
		change := store.Change{By: by, Action: "redrive", Kind: store.Mappings, ID: m.UUID, Before: in}
		s.cfg.Audit.Record(ctx, change)
		totals, err := s.cfg.Letters.Redrive(ctx, box, order, in.Token, tell)
		change.Action, change.After = "redrive-end", endView{box.Place, totals}
		s.cfg.Audit.Record(context.WithoutCancel(ctx), change)
		if err != nil {
			emit(redriveLine{Progress: &progressView{Totals: totals}})
			emit(redriveLine{Error: bodyOf(stopped(err))})
			return
		}
		emit(redriveLine{End: &endView{box.Place, totals}})
	}), nil
}

func (s *Server) preview(ctx context.Context, box *deadletter.Box, order deadletter.Order, tell func(deadletter.Event)) redriveLine {
	p, err := s.cfg.Letters.Preview(ctx, box, order, tell)
	if err != nil {
		return redriveLine{Error: bodyOf(err)}
	}
	return redriveLine{Preview: &previewView{p.Token, box.Place, p.Target, p.Totals}}
}

// stopped says how to go on, where that is not the error's own matter.
func stopped(err error) error {
	for _, known := range []error{deadletter.ErrBusy, deadletter.ErrBadOrder, deadletter.ErrChanged, deadletter.ErrNoPreview} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("the redrive ended early; give the order again, what was done is not done twice: %w", err)
}

func (s *Server) lineOf(e deadletter.Event) redriveLine {
	if e.Letter == "" {
		return redriveLine{Progress: &progressView{e.Done, e.Of, e.Totals}}
	}
	return redriveLine{Record: &stayView{e.Letter, e.Position, e.State, s.cfg.MaskText(e.Error)}}
}

// order reads the target, and refuses a file of records that would be masked ones.
func (in redriveOrder) order(s *Server) (deadletter.Order, error) {
	o := deadletter.Order{
		Selection: in.Select, Rate: in.Rate, Most: in.Most, Force: in.Force, Expired: in.Expired, Reason: in.Reason,
	}
	topic, isTopic := strings.CutPrefix(in.To, "kafka://")
	file, isFile := strings.CutPrefix(in.To, "file:")
	switch {
	case in.To == deadletter.ToFunction, in.To == deadletter.ToTopic:
		o.To.Kind = in.To
	case isTopic && topic != "":
		o.To = deadletter.Target{Kind: deadletter.ToTopic, Name: topic}
	case isFile && file != "" && s.cfg.Mask != nil:
		return o, badInput("to: masking rules are in force, so a file would not hold the records as they are; export writes it for reading")
	case isFile && file != "":
		o.To = deadletter.Target{Kind: deadletter.ToFile, Name: file}
	default:
		return o, badInput(fmt.Sprintf("to: %q is not known; want function, topic, kafka://TOPIC or file:PATH", in.To))
	}
	return o, nil
}
