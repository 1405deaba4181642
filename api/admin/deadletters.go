package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gantry/deadletter"
)

// deadLetterLine is one line of a walk through dead letters: one of its members. The last
// line is the summary, or the error that ended the walk.
type deadLetterLine struct {
	Letter   *deadLetterView `json:"letter,omitempty"`
	Progress *walkView       `json:"progress,omitempty"`
	Summary  *summaryView    `json:"summary,omitempty"`
	Error    *errorBody      `json:"error,omitempty"`
}

// deadLetterView is one dead letter. Records are there where they were asked for.
type deadLetterView struct {
	ID        string             `json:"id"`
	At        time.Time          `json:"at"`
	Mapping   string             `json:"mapping,omitempty"` // UUID
	Function  string             `json:"function"`
	Condition string             `json:"condition"`
	Attempts  int                `json:"attempts"`
	Error     string             `json:"error,omitempty"`
	SkippedBy string             `json:"skippedBy,omitempty"`
	Topic     string             `json:"topic"`
	Partition int32              `json:"partition"`
	First     int64              `json:"first"`
	Last      int64              `json:"last"`
	Count     int                `json:"count"` // records
	Exact     bool               `json:"exact"` // it is about those records and no others
	Bytes     int                `json:"bytes"`
	State     deadletter.State   `json:"state"`
	Log       string             `json:"log,omitempty"`
	Records   []letterRecordView `json:"records,omitempty"`
}

type letterRecordView struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	recordView
}

type walkView struct {
	Done    int64 `json:"done"`
	Of      int64 `json:"of"` // 0 = not known
	Matched int64 `json:"matched"`
}

// summaryView is what a walk went past.
type summaryView struct {
	Place   string      `json:"place"`
	Letters int64       `json:"letters"` // of the mapping
	Matched int64       `json:"matched"`
	Others  int64       `json:"others"` // of other mappings
	More    bool        `json:"more"`   // it stopped at the limit
	Next    string      `json:"next,omitempty"`
	Masked  bool        `json:"masked"`
	Groups  []groupView `json:"groups"`
}

type groupView struct {
	Condition string    `json:"condition"`
	Function  string    `json:"function"`
	Error     string    `json:"error"`
	Letters   int64     `json:"letters"`
	Records   int64     `json:"records"`
	Redriven  int64     `json:"redriven"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

func deadLetterQuery() []object {
	return []object{
		query("from", "string", "kafka://TOPIC, the ARN of an SQS queue, or s3://BUCKET/PREFIX; default the mapping's onFailure"),
		query("error", "string", "a part of the error, or /a regular expression/"), query("key", "string", "of a record"),
		query("since", "string", "RFC 3339"), query("until", "string", "RFC 3339"), query("condition", "string", "as AWS names it"),
		query("function", "string", "its name"), query("topic", "string", "of the records"), query("partition", "integer", "of the records"),
		query("state", "string", "pending, redriven or failed"), query("all", "boolean", "letters of other mappings as well"),
		query("after", "string", "behind the letter of this id"), query("limit", "integer", "letters to hand over; default all"),
		query("stop", "boolean", "stop at the limit; otherwise the rest is counted"), query("payload", "boolean", "with the records"),
	}
}

// walkAsked is what a request asks for.
type walkAsked struct {
	from      string
	selection deadletter.Selection
	after     string
	limit     int64 // -1 = all
	stop      bool
	payload   bool
}

func walkOf(q url.Values) (walkAsked, error) {
	var errs []error
	when := func(name string) *time.Time {
		if q.Get(name) == "" {
			return nil
		}
		t, err := time.Parse(time.RFC3339, q.Get(name))
		errs = append(errs, err)
		return &t
	}
	w := walkAsked{from: q.Get("from"), after: q.Get("after"), stop: q.Get("stop") == "true", payload: q.Get("payload") == "true", limit: -1}
	w.selection = deadletter.Selection{
		Error: q.Get("error"), Since: when("since"), Until: when("until"), Condition: q.Get("condition"), Function: q.Get("function"),
		Topic: q.Get("topic"), State: q.Get("state"), All: q.Get("all") == "true",
	}
	if q.Has("key") {
		key := q.Get("key")
		w.selection.Key = &key
	}
	if q.Get("partition") != "" {
		n, err := strconv.ParseInt(q.Get("partition"), 10, 32)
		errs = append(errs, err)
		partition := int32(n)
		w.selection.Partition = &partition
	}
	if q.Get("limit") != "" {
		n, err := strconv.ParseInt(q.Get("limit"), 10, 64)
		errs = append(errs, err)
		w.limit = n
	}
	if err := errors.Join(errs...); err != nil {
		return w, badInput(err.Error())
	}
	return w, nil
}

func (s *Server) listDeadLetters(r *http.Request) (following[deadLetterLine], error) {
	w, err := walkOf(r.URL.Query())
	if err != nil {
		return following[deadLetterLine]{}, err
	}
	box, err := s.box(r.Context(), r.PathValue("id"), w.from)
	if err != nil {
		return following[deadLetterLine]{}, err
	}
	return pushed(r.Context(), box.Close, func(ctx context.Context, emit func(deadLetterLine)) {
		sum, err := s.walk(ctx, box, w, emit)
		if err != nil {
			emit(deadLetterLine{Error: bodyOf(err)})
			return
		}
		emit(deadLetterLine{Summary: &sum})
	}), nil
}

// box opens the dead letters of a mapping.
func (s *Server) box(ctx context.Context, id, from string) (*deadletter.Box, error) {
	m, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.cfg.Letters.Open(ctx, m, from)
}

func (s *Server) walk(ctx context.Context, box *deadletter.Box, w walkAsked, emit func(deadLetterLine)) (summaryView, error) {
	sum := summaryView{Place: box.Place, Masked: s.cfg.Mask != nil, Groups: []groupView{}}
	var groups deadletter.Groups
	var handed int64
	told := time.Now()
	way := deadletter.Walk{After: w.after, Progress: func(done, of int64) {
		if time.Since(told) > time.Second {
			told = time.Now()
			emit(deadLetterLine{Progress: &walkView{done, of, handed}})
		}
	}}
	seen, err := box.Walk(ctx, w.selection, way, w.payload, func(f deadletter.Found) error {
		if w.limit >= 0 && handed == w.limit {
			sum.More = true
			if w.stop {
				return deadletter.ErrStop
			}
		} else {
			handed++
			sum.Next = f.ID
			emit(deadLetterLine{Letter: s.letterView(f, w.payload)})
		}
		f.Letter.Error = s.cfg.MaskText(f.Letter.Error)
		groups.Add(f)
		return ctx.Err()
	})
	sum.Letters, sum.Matched, sum.Others = seen.Letters, seen.Matched, seen.Others
	for _, g := range groups.List() {
		sum.Groups = append(sum.Groups, groupView(g))
	}
	return sum, err
}

func (s *Server) letterView(f deadletter.Found, payload bool) *deadLetterView {
	v := &deadLetterView{
		ID: f.ID, At: f.At, Mapping: f.Mapping, Function: f.FunctionName(), Condition: f.Condition, Attempts: f.Attempts,
		Error: s.cfg.MaskText(f.Letter.Error), SkippedBy: f.Note, Count: f.Letter.Count, Exact: f.Exact, Bytes: f.Bytes, State: f.State,
	}
	if len(f.Spans) > 0 {
		first, last := f.Spans[0], f.Spans[len(f.Spans)-1]
		v.Topic, v.Partition, v.First, v.Last = first.Topic, first.Partition, first.First, last.Last
	}
	if !payload {
		return v
	}
	v.Log = s.cfg.MaskText(string(f.Log))
	for i := range f.Records {
		r := f.Records[i].Record
		if s.cfg.Mask != nil {
			s.cfg.Mask(f.Records[i].At.Topic, &r)
		}
		r.Offset = f.Records[i].At.Offset
		v.Records = append(v.Records, letterRecordView{f.Records[i].At.Topic, f.Records[i].At.Partition, recordOf(&r)})
	}
	return v
}

func (s *Server) showDeadLetter(ctx context.Context, c call[none]) (deadLetterView, error) {
	box, err := s.box(ctx, c.path("id"), c.query.Get("from"))
	if err != nil {
		return deadLetterView{}, err
	}
	defer box.Close()
	f, err := box.Find(ctx, c.query.Get("letter"))
	if err != nil {
		return deadLetterView{}, err
	}
	return *s.letterView(f, true), nil
}

func bodyOf(err error) *errorBody {
	e := exceptionOf(err)
	return &errorBody{e.kind, e.message}
}

// pushed makes a stream of what run emits; end is called when both are over.
func pushed[Line any](ctx context.Context, end func(), run func(ctx context.Context, emit func(Line))) following[Line] {
	ctx, cancel := context.WithCancelCause(ctx)
	lines, done := make(chan Line), make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		run(ctx, func(l Line) {
			select {
			case lines <- l:
			case <-ctx.Done():
			}
		})
	}()
	next := func(stopping context.Context) (Line, bool) {
		select {
		case l, more := <-lines:
			return l, more
		case <-stopping.Done():
			var none Line
			return none, false
		}
	}
	return following[Line]{next, func() {
		cancel(cmp.Or(context.Cause(ctx), errClientGone))
		<-done
		end()
	}}
}

var errClientGone = errors.New("whoever asked is gone, or gantry stops")
