package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
)

// call is a request as an operation sees it.
type call[In any] struct {
	In    In
	path  func(name string) string
	query url.Values
}

// none is the input or output of an operation without one.
type none struct{}

// endpoint is a handler that knows its types.
type endpoint struct {
	http.Handler
	in, out reflect.Type
	query   []object
	stream  bool
	media   string // of an answer that is no JSON
}

// handle turns a typed operation into a handler. A body, where there is one, is one
// JSON value without members that are not known.
func handle[In, Out any](s *Server, do func(context.Context, call[In]) (Out, error), query ...object) endpoint {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call[In]{path: r.PathValue, query: r.URL.Query()}
		if err := decode(r.Body, &c.In); err != nil {
			s.fail(w, r, badInput(fmt.Sprintf("the body can't be read: %v", err)))
			return
		}
		out, err := do(r.Context(), c)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
	return endpoint{Handler: h, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), query: query}
}

func decode(body io.Reader, in any) error {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	err := dec.Decode(in)
	if errors.Is(err, io.EOF) {
		return nil // no body
	}
	if err == nil && dec.More() {
		return errors.New("there is something behind the JSON value")
	}
	return err
}

// following is a stream that was opened: next gives its values and says when there is
// none any more; end is called once, when the stream is over.
type following[Line any] struct {
	next func(ctx context.Context) (Line, bool)
	end  func()
}

// stream writes JSON values, one a line, each at once, until there is none any more, the
// client is gone, or gantry stops.
func stream[Line any](s *Server, open func(r *http.Request) (following[Line], error), query ...object) endpoint {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := open(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer f.end()
		ctx, stop := s.untilStopping(r.Context())
		defer stop()
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		control, out := http.NewResponseController(w), json.NewEncoder(w)
		for {
			_ = control.Flush()
			line, more := f.next(ctx)
			if !more || out.Encode(line) != nil {
				return
			}
		}
	})
	return endpoint{Handler: h, out: reflect.TypeFor[Line](), query: query, stream: true}
}

// untilStopping gives a context that ends with ctx or when gantry stops.
func (s *Server) untilStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.cfg.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
