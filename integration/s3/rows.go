package s3

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gantry/record"
	"gantry/sink"
)

// column is one column of a row.
type column struct {
	name string
	kind string
	path []string
}

// defaultColumns is a record as it is. In JSON lines, key and value are JSON where they
// are JSON.
const defaultColumns = "topic string, partition int, offset long, timestamp timestamp, key bytes, value bytes, headers json"

var kinds = []string{"bool", "int", "long", "double", "bytes", "string", "timestamp", "json"}

var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) // what Avro takes

var roots = []string{"key", "value", "headers", "topic", "partition", "offset", "timestamp"}

func checkColumns(text string) error {
	_, err := parseColumns(text)
	return err
}

func parseColumns(text string) ([]column, error) {
	if strings.TrimSpace(text) == "" {
		text = defaultColumns
	}
	var list []column
	seen := map[string]bool{}
	for one := range strings.SplitSeq(text, ",") {
		words := strings.Fields(one)
		if len(words) < 2 || len(words) > 3 {
			return nil, fmt.Errorf("%q: want NAME TYPE, or NAME TYPE PATH", strings.TrimSpace(one))
		}
		c := column{words[0], words[1], strings.Split(words[len(words)-1], ".")}
		if len(words) == 2 {
			c.path = []string{c.name}
		}
		switch {
		case !columnName.MatchString(c.name):
			return nil, fmt.Errorf("%q is no name of a column: letters, digits and _, no digit first", c.name)
		case seen[c.name]:
			return nil, fmt.Errorf("%q is given twice", c.name)
		case !slices.Contains(kinds, c.kind):
			return nil, fmt.Errorf("%q is no type; want one of %s", c.kind, strings.Join(kinds, ", "))
		case !slices.Contains(roots, c.path[0]):
			return nil, fmt.Errorf("%q: a path begins with one of %s", strings.Join(c.path, "."), strings.Join(roots, ", "))
		}
		seen[c.name] = true
		list = append(list, c)
	}
	return list, nil
}

// rowOf gives the values of a record in the types of package parquet: bool, int64,
// float64, []byte, string, nil.
func rowOf(columns []column, r *sink.Record) ([]any, error) {
	fields := sink.Fields(r)
	row := make([]any, len(columns))
	for i, c := range columns {
		v, err := c.of(r, fields)
		if err != nil {
			return nil, &sink.Fault{Cause: sink.Refused, Err: fmt.Errorf("%s: column %s: %w; correct the record, or the setting columns", r.Position(), c.name, err)}
		}
		row[i] = v
	}
	return row, nil
}

func (c column) of(r *sink.Record, fields map[string]any) (any, error) {
	if len(c.path) == 1 {
		switch raw := c.raw(r); {
		case c.path[0] == "headers":
			if c.kind != "json" {
				return nil, fmt.Errorf("headers are json, not %s", c.kind)
			}
			return headersJSON(r.Headers)
		case c.path[0] == "key" || c.path[0] == "value":
			if raw == nil {
				return nil, nil
			}
			if c.kind == "bytes" {
				return raw, nil
			}
			if c.kind == "string" {
				return text(raw)
			}
		}
	}
	v, there := dig(fields, c.path)
	if !there || v == nil {
		return nil, nil
	}
	return c.convert(v)
}

func (c column) raw(r *sink.Record) []byte {
	if c.path[0] == "key" {
		return r.Key
	}
	return r.Value
}

func text(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("it is no UTF-8 text; its type is bytes")
	}
	return string(raw), nil
}

// dig follows a path through JSON objects.
func dig(v any, path []string) (any, bool) {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// convert fits a value to the column.
func (c column) convert(v any) (any, error) {
	switch c.kind {
	case "bool":
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case "int", "long", "timestamp":
		return c.whole(v)
	case "double":
		if n, ok := v.(json.Number); ok {
			return n.Float64()
		}
	case "string", "bytes":
		return c.textual(v)
	case "json":
		body, err := json.Marshal(v)
		return string(body), err
	}
	return nil, fmt.Errorf("%s is no %s", kindOf(v), c.kind)
}

func (c column) textual(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		body, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		s = string(body)
	}
	if c.kind == "bytes" {
		return []byte(s), nil
	}
	return s, nil
}

func (c column) whole(v any) (any, error) {
	switch v := v.(type) {
	case int32:
		return int64(v), nil
	case int64:
		return v, nil
	case json.Number:
		n, err := v.Int64()
		if err == nil && c.kind == "int" && n != int64(int32(n)) { //nolint:gosec // that is the question
			err = errors.New("it is over 32 bits; its type is long")
		}
		return n, err
	case string:
		if c.kind == "timestamp" {
			at, err := time.Parse(time.RFC3339Nano, v)
			return at.UnixMilli(), err
		}
	}
	return nil, fmt.Errorf("%s is no %s", kindOf(v), c.kind)
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case json.Number, int32, int64:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// headersJSON keeps order and repeats: a list of key and value, the value in base64 where
// it is no text.
func headersJSON(headers []record.Header) (any, error) {
	type one struct {
		Key    string  `json:"key"`
		Value  *string `json:"value,omitempty"`
		Base64 string  `json:"base64,omitempty"`
	}
	list := make([]one, len(headers))
	for i, h := range headers {
		list[i].Key = h.Key
		if utf8.Valid(h.Value) && h.Value != nil {
			s := string(h.Value)
			list[i].Value = &s
		} else if h.Value != nil {
			list[i].Base64 = base64.StdEncoding.EncodeToString(h.Value)
		}
	}
	body, err := json.Marshal(list)
	return string(body), err
}
