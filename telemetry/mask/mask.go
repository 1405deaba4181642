// Package mask hides what an owner does not want shown: card numbers, names, tokens. Its
// rules apply wherever gantry shows what others wrote: records on the command line and in
// reports, the logs of functions, the errors they answer, gantry's own log. They change
// nothing of what functions receive or what dead letters hold.
package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gantry/record"
)

// Hidden stands for what is not shown.
const Hidden = "***"

// Rule hides one thing; exactly one of Pattern, Field and Header is given.
type Rule struct {
	Pattern string   // a regular expression (RE2): whatever matches, in any text that is shown
	Field   string   // a member of JSON values and keys, by its path: customer.card; * stands for any name
	Header  string   // a header of records, in any case
	Topics  []string // of Field and Header: these topics only; none = all
}

// Validate says every fault of a rule.
func (r Rule) Validate() error {
	var errs []error
	given := 0
	for _, text := range []string{r.Pattern, r.Field, r.Header} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		errs = append(errs, errors.New("want exactly one of pattern, field and header"))
	}
	if r.Pattern != "" {
		p, err := regexp.Compile(r.Pattern)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("pattern: %w", err))
		case p.MatchString(""):
			errs = append(errs, errors.New("pattern: it matches the empty text, so everything"))
		}
		if len(r.Topics) > 0 {
			errs = append(errs, errors.New("topics: a pattern holds for every text, not for topics"))
		}
	}
	if r.Field != "" && slices.Contains(strings.Split(r.Field, "."), "") {
		errs = append(errs, fmt.Errorf("field: %q has an empty name in its path", r.Field))
	}
	return errors.Join(errs...)
}

// Config is the list of rules.
type Config []Rule

// Mask applies rules. Safe for use by many goroutines; nil hides nothing.
type Mask struct {
	patterns []*regexp.Regexp
	fields   []field
	headers  []Rule
}

type field struct {
	path   []string
	topics []string
}

// New makes a mask of rules that passed Validate; nil where there are none.
func New(rules Config) *Mask {
	if len(rules) == 0 {
		return nil
	}
	m := &Mask{}
	for _, r := range rules {
		switch {
		case r.Pattern != "":
			m.patterns = append(m.patterns, regexp.MustCompile(r.Pattern))
		case r.Field != "":
			m.fields = append(m.fields, field{strings.Split(r.Field, "."), r.Topics})
		default:
			m.headers = append(m.headers, r)
		}
	}
	return m
}

// Text hides what the patterns match.
func (m *Mask) Text(text string) string {
	if m == nil {
		return text
	}
	for _, p := range m.patterns {
		text = p.ReplaceAllLiteralString(text, Hidden)
	}
	return text
}

// Record hides fields, headers and what the patterns match of a record, in new memory:
// the record's own bytes stay as they are.
func (m *Mask) Record(topic string, r *record.Record) {
	if m == nil {
		return
	}
	r.Key, r.Value = m.bytes(topic, r.Key), m.bytes(topic, r.Value)
	r.Headers = slices.Clone(r.Headers)
	for i := range r.Headers {
		h := &r.Headers[i]
		h.Value = m.bytes(topic, h.Value)
		for _, rule := range m.headers {
			if strings.EqualFold(rule.Header, h.Key) && about(rule.Topics, topic) {
				h.Value = []byte(Hidden)
			}
		}
	}
}

func about(topics []string, topic string) bool {
	return len(topics) == 0 || slices.Contains(topics, topic)
}

// bytes masks fields where the bytes are JSON. Where a rule names fields of this topic
// and the bytes are no JSON, nothing can tell where the field is: all of it is hidden.
func (m *Mask) bytes(topic string, b []byte) []byte {
	if b == nil {
		return nil
	}
	fields := slices.DeleteFunc(slices.Clone(m.fields), func(f field) bool { return !about(f.topics, topic) })
	if len(fields) > 0 && len(b) > 0 {
		var ok bool
		if b, ok = hide(b, fields); !ok && !plainText(b) {
			return []byte(Hidden)
		}
	}
	for _, p := range m.patterns {
		b = p.ReplaceAllLiteral(b, []byte(Hidden))
	}
	return b
}

// plainText says that bytes are a word, such as a key, in which no field can be.
func plainText(b []byte) bool { return !bytes.ContainsAny(b, "{}[]\x00") }

// hide gives a JSON document without some members; false where it is no JSON.
func hide(b []byte, fields []field) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var document any
	if dec.Decode(&document) != nil || dec.More() {
		return b, false
	}
	found := false
	for _, f := range fields {
		found = cover(document, f.path) || found
	}
	if !found {
		return b, true
	}
	out := &bytes.Buffer{}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if enc.Encode(document) != nil {
		return b, false
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), true
}

// cover hides a path in a document; lists are looked through.
func cover(v any, path []string) bool {
	found := false
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			found = cover(inner, path) || found
		}
	case map[string]any:
		for name, inner := range v {
			switch {
			case path[0] != "*" && path[0] != name:
			case len(path) > 1:
				found = cover(inner, path[1:]) || found
			default:
				v[name], found = Hidden, true
			}
		}
	}
	return found
}
