package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// avroCodec writes Avro binary.
type avroCodec struct {
	schema *avro.Schema
	root   *avro.SchemaNode
}

// newAvro reads a schema and what it refers to.
func newAvro(text string, others []reference) (codec, error) {
	var cache avro.SchemaCache
	for _, o := range others {
		if _, err := cache.Parse(o.text); err != nil {
			return nil, fmt.Errorf("the schema %s it refers to: %w", o.name, err)
		}
	}
	s, err := cache.Parse(text)
	if err != nil {
		return nil, err
	}
	return &avroCodec{s, s.Root().ExpandReferences()}, nil
}

func (c *avroCodec) append(out, text []byte) ([]byte, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	if v, err = prepare(c.root, v, ""); err != nil {
		return nil, err
	}
	out, err = c.schema.AppendEncode(out, v)
	var at *avro.SemanticError
	switch {
	case errors.As(err, &at) && at.Field != "":
		return nil, &misfit{at.Field, strings.TrimPrefix(err.Error(), "avro: field "+at.Field+": ")}
	case err != nil:
		return nil, &misfit{"", strings.TrimPrefix(err.Error(), "avro: ")}
	}
	return out, nil
}

// decode reads JSON without rounding its numbers.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, &misfit{"", "it is no JSON: " + err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &misfit{"", "there is something behind the JSON value"}
	}
	return v, nil
}

// prepare does for a value, in place, what JSON and the library leave to do. A member
// that its record does not have is a misfit: it would be left out, and nobody would know.
// Bytes are text of one character for each, as Avro's own JSON has them.
func prepare(node *avro.SchemaNode, v any, at string) (any, error) {
	switch value := v.(type) {
	case string:
		if isBytes(node) {
			return characters(value, at)
		}
	case map[string]any:
		return v, prepareObject(node, value, at)
	case []any:
		for _, array := range branches(node, "array") {
			for i := range value {
				var err error
				if value[i], err = prepare(array.Items, value[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return nil, err
				}
			}
		}
	}
	return v, nil
}

// isBytes says that text is meant for bytes: a union with text has text. Logical types
// (decimal, duration) have forms of their own.
func isBytes(node *avro.SchemaNode) bool {
	found := append(branches(node, "bytes"), branches(node, "fixed")...)
	return len(found) == 1 && found[0].LogicalType == "" && len(branches(node, "string")) == 0 && len(branches(node, "enum")) == 0
}

func characters(text, at string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c > 255 {
			return nil, &misfit{at, fmt.Sprintf("the character %q is no byte: bytes are text of the characters 0 to 255", c)}
		}
		out = append(out, byte(c))
	}
	return out, nil
}

func prepareObject(node *avro.SchemaNode, value map[string]any, at string) (err error) {
	records, maps := branches(node, "record"), branches(node, "map")
	if len(records)+len(maps) != 1 {
		return nil // which one of several it is, or that it is none, the library finds out
	}
	if len(maps) == 1 {
		for name := range value {
			if value[name], err = prepare(maps[0].Values, value[name], dotted(at, name)); err != nil {
				return err
			}
		}
		return nil
	}
	if named, ok := value[fullName(records[0])].(map[string]any); ok && len(value) == 1 && node.Type == "union" {
		value = named // a branch of a union by its name
	}
	for name := range value {
		i := slices.IndexFunc(records[0].Fields, func(f avro.SchemaField) bool { return f.Name == name })
		if i < 0 {
			return &misfit{dotted(at, name), "the schema has no such field"}
		}
		if value[name], err = prepare(&records[0].Fields[i].Type, value[name], dotted(at, name)); err != nil {
			return err
		}
	}
	return nil
}

func fullName(n *avro.SchemaNode) string { return strings.TrimPrefix(n.Namespace+"."+n.Name, ".") }

func dotted(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// branches gives what a node is of a kind: itself, or members of the union it is.
func branches(node *avro.SchemaNode, kind string) []*avro.SchemaNode {
	if node.Type == kind {
		return []*avro.SchemaNode{node}
	}
	var list []*avro.SchemaNode
	for i := range node.Branches {
		if node.Branches[i].Type == kind {
			list = append(list, &node.Branches[i])
		}
	}
	return list
}
