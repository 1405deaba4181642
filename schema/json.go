package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// jsonCodec checks JSON; what is written is the JSON itself, without blanks.
type jsonCodec struct{ schema *jsonschema.Schema }

// place is what a schema without an $id is called while it is read.
const place = "gantry:schema"

// newJSON reads a schema and what it refers to, by the names the registry gives. Nothing
// is fetched from elsewhere.
func newJSON(text string, others []reference) (codec, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7) // as Confluent's serializers take it
	c.UseLoader(nowhere{})
	for _, o := range append(others, reference{place, text}) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(o.text))
		if err == nil {
			err = c.AddResource(o.name, doc)
		}
		if err != nil {
			return nil, fmt.Errorf("the schema %s: %w", o.name, err)
		}
	}
	s, err := c.Compile(place)
	if err != nil {
		return nil, err
	}
	return jsonCodec{s}, nil
}

// nowhere loads nothing: what a schema refers to is in the registry.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not among the schema's references in the registry", url)
}

func (c jsonCodec) append(out, text []byte) ([]byte, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	if err := c.schema.Validate(v); err != nil {
		return nil, firstMisfit(err)
	}
	b := bytes.NewBuffer(out)
	if err := json.Compact(b, text); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// firstMisfit gives the innermost reason: the outer ones say only that there is one.
func firstMisfit(err error) error {
	var all *jsonschema.ValidationError
	if !errors.As(err, &all) {
		return err
	}
	for len(all.Causes) > 0 {
		all = all.Causes[0]
	}
	at := ""
	for _, step := range all.InstanceLocation {
		at = dotted(at, step)
	}
	return &misfit{at, reason(all)}
}

// reason is the error without the place, which the first line repeats.
func reason(e *jsonschema.ValidationError) string {
	text := e.Error()
	if _, said, found := strings.Cut(text, ": "); found && strings.Contains(text, "\n") {
		text = said
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if _, said, found := strings.Cut(last, "': "); found {
		return said
	}
	return last
}
