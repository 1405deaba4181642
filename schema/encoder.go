package schema

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"gantry/mapping"
)

// The parts of a record that have a schema.
const (
	Value = "value"
	Key   = "key"
)

// newestFor is how long the newest version of a subject is taken for the newest.
const newestFor = time.Minute

// Encoder writes the values, or the keys, of one topic's records. Safe for use by many
// goroutines.
type Encoder struct {
	registry *Registry
	want     mapping.Schema
	now      func() time.Time

	mu   sync.Mutex // one asks the registry at a time
	have atomic.Pointer[known]
}

// known is a schema as it was found, ready to be written by.
type known struct {
	subject string
	version int
	head    []byte // magic byte, id, and the index of a Protobuf message
	codec   codec
	until   time.Time // when the registry is asked again; zero = never
}

// codec writes one value as one schema wants it. Its error is a *misfit.
type codec interface {
	// append adds the value, given as JSON text, to out.
	append(out []byte, json []byte) ([]byte, error)
}

// misfit says where and why a value does not fit; the encoder knows the schema's name.
type misfit struct{ field, reason string }

func (m *misfit) Error() string { return m.field + ": " + m.reason }

// Encoder gives the encoder of one part of a topic's records (Value or Key). Nothing is
// asked before the first value.
func (r *Registry) Encoder(topic, part string, want mapping.Schema) *Encoder {
	if want.Subject == "" {
		want.Subject = topic + "-" + part
	}
	return &Encoder{registry: r, want: want, now: time.Now}
}

// Encode gives the bytes of a value, which is JSON text, in Confluent's wire format. The
// error is a *Misfit where the value is at fault. Any other (*Error, or ctx's end) says
// that the schema can't be had now: wait, and encode the value again.
//
// A tombstone has no value and so no schema: it is not for Encode.
func (e *Encoder) Encode(ctx context.Context, json []byte) ([]byte, error) {
	k, err := e.schema(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(k.head), len(k.head)+len(json))
	copy(out, k.head)
	out, err = k.codec.append(out, json)
	var bad *misfit
	switch {
	case errors.As(err, &bad):
		return nil, &Misfit{Subject: k.subject, Version: k.version, Field: bad.field, Reason: bad.reason}
	case err != nil:
		return nil, &Misfit{Subject: k.subject, Version: k.version, Reason: err.Error()}
	}
	return out, nil
}

// schema gives the schema that counts now. What is known stays in use while the registry
// can't say whether there is a newer one.
func (e *Encoder) schema(ctx context.Context) (*known, error) {
	if k := e.have.Load(); k.fresh(e.now()) {
		return k, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.have.Load()
	if old.fresh(e.now()) {
		return old, nil
	}
	found, err := e.find(ctx, old)
	if err != nil && old != nil && ctx.Err() == nil {
		next := *old
		next.until = e.now().Add(newestFor)
		e.have.Store(&next)
		return &next, nil
	}
	if err != nil {
		return nil, err
	}
	e.have.Store(found)
	return found, nil
}

func (k *known) fresh(now time.Time) bool {
	return k != nil && (k.until.IsZero() || now.Before(k.until))
}

// find asks the registry.
func (e *Encoder) find(ctx context.Context, old *known) (*known, error) {
	if e.want.File != "" {
		return e.fromFile(ctx)
	}
	var found sr.SubjectSchema
	what := fmt.Sprintf("look up schema %s", e.want.Subject)
	version := e.want.Version
	if version == 0 {
		version = -1 // the newest
	}
	err := e.registry.ask(ctx, what, func(ctx context.Context, c *sr.Client) (err error) {
		found, err = c.SchemaByVersion(ctx, e.want.Subject, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	k := old
	if old == nil || old.version != found.Version {
		if k, err = e.ready(ctx, found); err != nil {
			return nil, err
		}
	}
	next := *k
	if e.want.Version == 0 {
		next.until = e.now().Add(newestFor)
	}
	return &next, nil
}

// fromFile finds the schema of a file under its subject, or registers it there.
func (e *Encoder) fromFile(ctx context.Context) (*known, error) {
	text, err := os.ReadFile(e.want.File)
	if err != nil {
		return nil, &Error{Attempted: "read the schema of " + e.want.Subject, Try: "correct output.schema", Err: err}
	}
	own := sr.Schema{Schema: string(text), Type: typeOf(e.want.Format)}
	var found sr.SubjectSchema
	what, act := "look up the schema of "+e.want.File+" under "+e.want.Subject, (*sr.Client).LookupSchema
	if e.want.Register {
		what, act = "register the schema of "+e.want.File+" under "+e.want.Subject, (*sr.Client).CreateSchema
	}
	err = e.registry.ask(ctx, what, func(ctx context.Context, c *sr.Client) (err error) {
		found, err = act(c, ctx, e.want.Subject, own)
		return err
	})
	if err != nil {
		return nil, err
	}
	found.Schema = own
	return e.ready(ctx, found)
}

// ready makes a schema one that values can be written by.
func (e *Encoder) ready(ctx context.Context, s sr.SubjectSchema) (*known, error) {
	k := &known{subject: e.want.Subject, version: s.Version}
	fail := func(err error) (*known, error) {
		return nil, &Error{
			Attempted: fmt.Sprintf("use schema %s version %d", s.Subject, s.Version),
			Try:       "correct output.schema, or the schema", Err: err,
		}
	}
	if want := typeOf(e.want.Format); s.Type != want {
		return fail(fmt.Errorf("it is %s, and output.schema says %s", s.Type, want))
	}
	others, err := e.references(ctx, s.References)
	if err != nil {
		return nil, err
	}
	var index []int
	switch s.Type {
	case sr.TypeAvro:
		k.codec, err = newAvro(s.Schema.Schema, others)
	case sr.TypeJSON:
		k.codec, err = newJSON(s.Schema.Schema, others)
	case sr.TypeProtobuf:
		k.codec, index, err = newProtobuf(s.Schema.Schema, others, e.want.Message)
	}
	if err == nil {
		k.head, err = new(sr.ConfluentHeader).AppendEncode(nil, s.ID, index)
	}
	if err != nil {
		return fail(err)
	}
	return k, nil
}

// reference is a schema that another one refers to, by the name it uses.
type reference struct{ name, text string }

// references fetches what a schema refers to, each before what needs it.
func (e *Encoder) references(ctx context.Context, wanted []sr.SchemaReference) ([]reference, error) {
	var list []reference
	seen := map[string]bool{}
	var add func([]sr.SchemaReference) error
	add = func(wanted []sr.SchemaReference) error {
		for _, w := range wanted {
			if seen[w.Name] {
				continue
			}
			seen[w.Name] = true
			var found sr.SubjectSchema
			err := e.registry.ask(ctx, fmt.Sprintf("look up schema %s version %d, which %s refers to", w.Subject, w.Version, e.want.Subject),
				func(ctx context.Context, c *sr.Client) (err error) {
					found, err = c.SchemaByVersion(ctx, w.Subject, w.Version)
					return err
				})
			if err != nil {
				return err
			}
			if err := add(found.References); err != nil {
				return err
			}
			list = append(list, reference{w.Name, found.Schema.Schema})
		}
		return nil
	}
	err := add(wanted)
	return list, err
}

func typeOf(format string) sr.SchemaType {
	switch format {
	case mapping.JSON:
		return sr.TypeJSON
	case mapping.Protobuf:
		return sr.TypeProtobuf
	}
	return sr.TypeAvro
}
