package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"
)

// Template is a text with places that a record fills: `{{ .value.customer }}`. In it stand
//
//	.key .value    the JSON value where the bytes are JSON, else their text; nil = null
//	.headers       a map from name to text; of several with one name the last
//	.topic .partition .offset .timestamp (milliseconds since 1970)
//	.time          the timestamp in UTC: {{ .time.Format "2006/01/02" }}
//	.token         topic-partition-offset, the same whenever the record comes again
//
// and the functions json (a value as JSON), string (a JSON text of it), default ("" or nil
// become another). A member that is missing is an error, for a half-filled place is worse
// than none; default with index reads one that may be missing.
type Template struct {
	text   string
	parsed *template.Template // nil = no places: text is the result
}

// ParseTemplate reads a template; the error says where it is wrong.
func ParseTemplate(text string) (*Template, error) {
	if !strings.Contains(text, "{{") {
		return &Template{text: text}, nil
	}
	parsed, err := template.New("template").Option("missingkey=error").Funcs(template.FuncMap{
		"json": asJSON, "string": asJSONText, "default": orDefault,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w; its places are written {{ .value.NAME }}, {{ .key }}, {{ .topic }}", err)
	}
	return &Template{text: text, parsed: parsed}, nil
}

// CheckTemplate checks a setting that is a template.
func CheckTemplate(text string) error {
	_, err := ParseTemplate(text)
	return err
}

// Fixed says that the template has no places.
func (t *Template) Fixed() bool { return t.parsed == nil }

// Fill gives the text for a record. Its error is a Fault of cause Refused: the record
// lacks what the template asks for.
func (t *Template) Fill(r *Record) (string, error) {
	if t.parsed == nil {
		return t.text, nil
	}
	return t.FillWith(Fields(r))
}

// FillWith is Fill with fields that are read already.
func (t *Template) FillWith(fields map[string]any) (string, error) {
	if t.parsed == nil {
		return t.text, nil
	}
	var out bytes.Buffer
	if err := t.parsed.Execute(&out, fields); err != nil {
		return "", &Fault{Cause: Refused, Err: fmt.Errorf("fill the template for %v-%v@%v: %w", fields["topic"], fields["partition"], fields["offset"], err)}
	}
	return out.String(), nil
}

// Fields are what a template sees of a record.
func Fields(r *Record) map[string]any {
	headers := map[string]any{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	return map[string]any{
		"key": Value(r.Key), "value": Value(r.Value), "headers": headers, "topic": r.Topic, "partition": r.Partition,
		"offset": r.Offset, "timestamp": r.Time.UnixMilli(), "time": r.Time.UTC(), "token": Token(r),
	}
}

// Value is the JSON value of bytes, or their text where they are no JSON; nil stays nil.
// Numbers keep their digits (json.Number).
func Value(b []byte) any {
	if b == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if _, err := d.Token(); err == io.EOF {
			return v
		}
	}
	return string(b)
}

func asJSON(v any) (string, error) {
	body, err := json.Marshal(v)
	return string(body), err
}

// asJSONText is a JSON text that holds v as JSON: what a field wants that is a document in
// a document.
func asJSONText(v any) (string, error) {
	if s, ok := v.(string); ok {
		return asJSON(s)
	}
	inner, err := asJSON(v)
	if err != nil {
		return "", err
	}
	return asJSON(inner)
}

func orDefault(other, v any) any {
	if v == nil || v == "" {
		return other
	}
	return v
}
