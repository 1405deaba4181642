package row

import (
	"fmt"
)

// document is the part of a key or value that says something, and what its schema says.
type document struct {
	text   []byte // nil = null
	schema *schema
}

// open looks whether a document is {"schema": …, "payload": …}, and gives what is in it.
func (d *Decoder) open(m *memory, text []byte) (document, error) {
	s := scanner{b: text}
	if s.space(); s.peek() != '{' {
		return document{}, fmt.Errorf("is not a JSON object")
	}
	if payload, ok := m.same(text); ok {
		doc, err := payloadOf(payload)
		doc.schema = m.read
		return doc, err
	}
	var payload, schemaText []byte
	members := 0
	if err := object(text, func(name, value []byte) error {
		switch members++; string(name) {
		case `"schema"`:
			schemaText = value
		case `"payload"`:
			payload = value
		}
		return nil
	}); err != nil {
		return document{}, err
	}
	if members != 2 || schemaText == nil || payload == nil || (schemaText[0] != '{' && schemaText[0] != 'n') {
		return document{text: text}, nil
	}
	read, err := d.schema(schemaText)
	if err != nil {
		return document{}, err
	}
	m.text, m.read = append(m.text[:0], schemaText...), read
	if payload[0] == 'n' {
		payload = nil
	}
	return document{text: payload, schema: read}, nil
}

const opening = `{"schema":`

// same gives what follows the schema where it is, byte for byte, that of the document
// before: an object says itself where it ends.
func (m *memory) same(text []byte) (rest []byte, ok bool) {
	if m.read == nil || len(text) < len(opening)+len(m.text) || string(text[:len(opening)]) != opening {
		return nil, false
	}
	rest = text[len(opening):]
	if string(rest[:len(m.text)]) != string(m.text) {
		return nil, false
	}
	const then = `,"payload":`
	if rest = rest[len(m.text):]; len(rest) < len(then) || string(rest[:len(then)]) != then {
		return nil, false
	}
	return rest[len(then):], true
}

// payloadOf reads the payload up to the brace that closes the document.
func payloadOf(rest []byte) (document, error) {
	s := scanner{b: rest}
	payload, err := s.value()
	if err != nil {
		return document{}, err
	}
	if s.space(); s.peek() != '}' {
		return document{}, s.wrong("more than schema and payload")
	}
	s.i++
	if payload[0] == 'n' {
		payload = nil
	}
	return document{text: payload}, s.end()
}

// fields reads an object into fields.
func (d *Decoder) fields(into []Field, text []byte, of *schema) ([]Field, error) {
	at := 0
	err := object(text, func(quoted, value []byte) error {
		name := d.name(unquote(quoted))
		v, err := convert(value, of.field(&at, name))
		if err != nil {
			return fmt.Errorf("has in %s what %w", name, err)
		}
		into = append(into, Field{Name: name, Value: v})
		return nil
	})
	return into, err
}

// readKey reads a key: an object, or one value.
func (d *Decoder) readKey(into []Field, key []byte) ([]Field, error) {
	s := scanner{b: key}
	if s.space(); s.peek() != '{' {
		return append(into, Field{Value: bare(key)}), nil
	}
	m, err := d.open(&d.key, key)
	if err != nil {
		return nil, err
	}
	if m.text == nil {
		return into, nil
	}
	if m.text[0] == '{' {
		return d.fields(into, m.text, m.schema)
	}
	v, err := convert(m.text, m.schema)
	return append(into, Field{Value: v}), err
}

// bare reads a key that is no object: a JSON value, or any bytes.
func bare(key []byte) Value {
	s := scanner{b: key}
	text, err := s.value()
	if err != nil || s.end() != nil || text[0] == '[' {
		return Value{Type: String, Text: key}
	}
	return plain(text)
}

const mostNames = 10_000

// name gives the same string for the same name, so that names cost nothing after the first.
func (d *Decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if d.names == nil || len(d.names) >= mostNames {
		d.names = map[string]string{}
	}
	s := string(b)
	d.names[s] = s
	return s
}

// plain gives a value as JSON wrote it.
func plain(text []byte) Value {
	switch text[0] {
	case 'n':
		return Value{}
	case 't', 'f':
		return Value{Type: Bool, Text: text}
	case '"':
		return Value{Type: String, Text: unquote(text)}
	case '{', '[':
		return Value{Type: JSON, Text: text}
	default:
		return Value{Type: Number, Text: text}
	}
}

// envelope is what Debezium puts around the states of a row.
type envelope struct {
	op            string
	before, after []byte // nil = null or not there
}

// readEnvelope says whether a document is Debezium's.
func readEnvelope(m document) (e envelope, is bool) {
	states := 0
	err := object(m.text, func(name, value []byte) error {
		switch string(name) {
		case `"op"`:
			if value[0] == '"' {
				e.op = string(unquote(value))
			}
		case `"before"`, `"after"`:
			if value[0] != 'n' && value[0] != '{' {
				return fmt.Errorf("is no state of a row")
			}
			states++
			if value[0] == 'n' {
				value = nil
			}
			if string(name) == `"after"` {
				e.after = value
			} else {
				e.before = value
			}
		}
		return nil
	})
	message := e.op == "m" || e.op == "t"
	return e, err == nil && len(e.op) == 1 && (states > 0 || message)
}
