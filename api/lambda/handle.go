package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checker is an input that finds its own faults: it adds them to f, and returns an
// error only for what is no fault of the request's form (not found, store broken).
type checker interface {
	check(ctx context.Context, s *Server, f *faults) error
}

// reader is an input with members in the path, the query or the headers.
type reader interface{ read(r *http.Request) }

// rawBody is an input whose body is no JSON document.
type rawBody interface{ body(b []byte) }

// responder is an answer that is more than 200 and a JSON body.
type responder interface {
	respond(w http.ResponseWriter) error
}

// secretive is an answer that leaves out what a caller without secrets may not see.
type secretive interface{ hide() }

// handle turns a typed operation into a handler: ask whether the caller may, decode, refuse, check, call, encode.
func handle[In, Out any](s *Server, operation string, do func(context.Context, *In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.cfg.Allow(r.Context(), operation); err != nil {
			s.fail(w, r, operation, &apiError{exception: "AccessDeniedException", message: err.Error()})
			return
		}
		in, err := accept[In](s, operation, w, r)
		if err != nil {
			s.fail(w, r, operation, err)
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			s.fail(w, r, operation, err)
			return
		}
		if out, ok := any(out).(secretive); ok && !s.cfg.Secrets(r.Context()) {
			out.hide()
		}
		s.answer(w, r, operation, out)
	}
}

// accept reads a request into its input and lets through only one without faults.
func accept[In any](s *Server, operation string, w http.ResponseWriter, r *http.Request) (*In, error) {
	body, err := readBody(operation, w, r)
	if err != nil {
		return nil, err
	}
	in, found := new(In), &faults{}
	if err := decode(operation, body, in, found); err != nil {
		return nil, err
	}
	if in, ok := any(in).(reader); ok {
		in.read(r)
	}
	if in, ok := any(in).(checker); ok {
		if err := in.check(r.Context(), s, found); err != nil && found.err() == nil {
			return nil, err
		}
	}
	return in, found.err()
}

func readBody(operation string, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(bodyLimit)
	switch operation {
	case "CreateFunction", "UpdateFunctionCode":
		limit = functionLimit
	case "Invoke":
		limit = invokeLimit
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, tooLarge(operation, limit)
	}
	if err != nil {
		return nil, malformed("InvalidRequestContentException", "the request body could not be read: %v", err)
	}
	return body, nil
}

func decode(operation string, body []byte, in any, found *faults) error {
	if in, ok := in.(rawBody); ok {
		in.body(body)
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, in); err != nil {
		return malformed("SerializationException", "%s", jsonFault(err))
	}
	return refuseNotYet(operation, body, found)
}

// jsonFault says what is wrong with a document in the words of its author, not of Go.
func jsonFault(err error) string {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Sprintf("%s: a JSON %s can not be converted to %s", jsonField(kind.Field), kind.Value, jsonKind(kind.Type))
	case errors.As(err, &syntax):
		return "the request body is not a JSON document: " + err.Error()
	}
	return err.Error()
}

// jsonField leaves the names of embedded Go structs out of a path.
func jsonField(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, ".") {
		if first, _ := utf8.DecodeRuneInString(part); unicode.IsUpper(first) {
			parts = append(parts, part)
		}
	}
	return orElse(strings.Join(parts, "."), "the request body")
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "an integer"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "a boolean"
	}
	return "a " + t.Kind().String()
}

// answer writes what an operation gave back.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, operation string, out any) {
	if out, ok := out.(responder); ok {
		if err := out.respond(w); err != nil {
			s.cfg.Log.WarnContext(r.Context(), "an answer could not be written",
				"operation", operation, "requestId", callOf(r.Context()).requestID, "error", err)
		}
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// writeJSON encodes without HTML escapes, as AWS does. A write error means that the
// caller has gone: there is nobody to tell.
func writeJSON(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"Type":"Service","Message":"the answer could not be encoded"}`)
		w.Header().Set("X-Amzn-ErrorType", "ServiceException")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// noContent is an answer without a body.
type noContent struct{}

func (noContent) respond(w http.ResponseWriter) error {
	return nothing(http.StatusNoContent).respond(w)
}

// nothing is a status and no body.
type nothing int

func (n nothing) respond(w http.ResponseWriter) error {
	w.WriteHeader(int(n))
	return nil
}

// created and accepted give a body another status than 200.
type created[T any] struct {
	body T
	note string // for the one who reads headers; "" = none
}

func (c created[T]) respond(w http.ResponseWriter) error {
	if c.note != "" {
		w.Header().Set("X-Gantry-Note", c.note)
	}
	writeJSON(w, http.StatusCreated, c.body)
	return nil
}

type accepted[T any] struct{ body T }

func (a accepted[T]) respond(w http.ResponseWriter) error {
	writeJSON(w, http.StatusAccepted, a.body)
	return nil
}
