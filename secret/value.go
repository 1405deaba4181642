package secret

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// hidden is all that printing a Value ever shows.
const hidden = "[secret]"

// Value is the content of a secret. Printing, logging or encoding it never shows what
// it holds: content leaves it through Fields and Plain alone. The content sits behind a
// function because printing a struct reaches the bytes of its unexported fields without
// asking any method below.
type Value struct{ open func() []byte }

// NewValue wraps content that came from somewhere else than a Resolver.
func NewValue(content []byte) Value {
	own := bytes.Clone(content)
	return Value{open: func() []byte { return own }}
}

func (v Value) content() []byte {
	if v.open == nil {
		return nil
	}
	return v.open()
}

// Plain is the whole content as one value, without the line break editors leave at the end.
func (v Value) Plain() string { return strings.TrimRight(string(v.content()), "\r\n") }

// Fields reads the content as AWS's JSON document or as a properties file.
func (v Value) Fields() (map[string]string, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(v.content(), []byte("\ufeff")))
	if len(text) == 0 {
		return nil, errors.New("it is empty")
	}
	if text[0] == '{' {
		return jsonFields(text)
	}
	return propertyFields(text)
}

// jsonFields never passes on the decoder's own words: they quote the content.
func jsonFields(text []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("it starts with { but is no valid JSON document (fault near byte %d)", dec.InputOffset())
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is something behind its JSON document (at byte %d)", dec.InputOffset())
	}
	fields := make(map[string]string, len(doc))
	for name, value := range doc {
		switch value := value.(type) {
		case string:
			fields[name] = value
		case json.Number:
			fields[name] = value.String()
		case bool:
			fields[name] = fmt.Sprint(value)
		}
	}
	return fields, nil
}

// propertyFields reads key=value and key: value lines. Line continuations and unicode
// escapes of Java's format are not read: a password with a backslash stays as it is.
func propertyFields(text []byte) (map[string]string, error) {
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		at := strings.IndexAny(line, "=:")
		if at <= 0 {
			return nil, fmt.Errorf("it is neither a JSON document nor a properties file (line %d is no key=value)", n)
		}
		fields[strings.TrimSpace(line[:at])] = strings.TrimSpace(line[at+1:])
	}
	return fields, nil
}

// String hides the content.
func (Value) String() string { return hidden }

// GoString hides the content.
func (Value) GoString() string { return hidden }

// Format hides the content from every verb, also those that print structs field by field.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON hides the content.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText hides the content from YAML, XML and map keys.
func (Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the content from structured logs.
func (Value) LogValue() slog.Value { return slog.StringValue(hidden) }
