package call

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// InputError says that an input does not fit the model. Nothing was sent.
type InputError struct {
	Service, Operation string
	Faults             []string // every one, with the path of its member; no values
}

func (e *InputError) Error() string {
	return fmt.Sprintf("%s %s: the input does not fit the service's model: %s", e.Service, e.Operation, strings.Join(e.Faults, "; "))
}

// Check holds an input against the model: unknown and missing members, types, lengths,
// ranges and patterns. The error is an *InputError that names every fault.
func (m *Model) Check(operation string, input map[string]any) error {
	op, err := m.Operation(operation)
	if err != nil {
		return err
	}
	c := &checker{}
	switch {
	case op.Input != nil:
		c.structure("", op.Input.of, input)
		c.labels(op, input)
	case len(input) > 0:
		c.fault("input", "the operation takes none")
	}
	if len(c.faults) == 0 {
		return nil
	}
	slices.Sort(c.faults)
	return &InputError{Service: m.Name, Operation: operation, Faults: c.faults}
}

type checker struct{ faults []string }

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf("%s: %s", cmp.Or(path, "input"), fmt.Sprintf(format, args...)))
}

// maxDepth bounds how deep an input may be nested; DynamoDB's own bound is 32.
const maxDepth = 100

func (c *checker) value(path string, ref *member, v any) {
	if ref.of.Document {
		return
	}
	if strings.Count(path, ".")+strings.Count(path, "[") > maxDepth {
		c.fault(path, "is nested deeper than %d", maxDepth)
		return
	}
	s := ref.of
	switch s.Type {
	case "structure":
		c.structure(path, s, v)
	case "list":
		c.list(path, s, v)
	case "map":
		c.mapping(path, s, v)
	case "string", "character":
		c.text(path, s, ref, v)
	case "integer", "long", "short", "byte":
		c.integer(path, s, v)
	case "float", "double":
		c.number(path, s, v)
	case "boolean":
		if _, ok := v.(bool); !ok {
			c.fault(path, "want true or false, not %s", kind(v))
		}
	case "timestamp":
		if _, err := moment(v); err != nil {
			c.fault(path, "%v", err)
		}
	case "blob":
		b, err := blob(v)
		if err != nil {
			c.fault(path, "%v", err)
			return
		}
		c.length(path, s, len(b), "bytes")
	default:
		c.fault(path, "the model's type %q is not known", s.Type)
	}
}

func (c *checker) structure(path string, s *shape, v any) {
	in, ok := v.(map[string]any)
	if !ok {
		c.fault(path, "want an object, not %s", kind(v))
		return
	}
	given := 0
	for name, value := range in {
		ref := s.Members[name]
		switch {
		case ref == nil:
			c.fault(under(path, name), "%s", unknown(s, name))
		case value != nil:
			given++
			c.value(under(path, name), ref, value)
		}
	}
	for _, name := range s.Required {
		if in[name] == nil {
			c.fault(under(path, name), "is missing")
		}
	}
	if s.Union && given != 1 {
		c.fault(path, "want exactly one of %s, %d are given", names(s), given)
	}
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func names(s *shape) string { return strings.Join(slices.Sorted(maps.Keys(s.Members)), ", ") }

func unknown(s *shape, name string) string {
	for n := range s.Members {
		if strings.EqualFold(n, name) {
			return fmt.Sprintf("there is no such member; write %s", n)
		}
	}
	return "there is no such member; there are " + cmp.Or(names(s), "none")
}

func (c *checker) list(path string, s *shape, v any) {
	in, ok := v.([]any)
	if !ok {
		c.fault(path, "want a list, not %s", kind(v))
		return
	}
	c.length(path, s, len(in), "elements")
	for n, value := range in {
		at := fmt.Sprintf("%s[%d]", path, n)
		if value == nil {
			c.fault(at, "is null")
			continue
		}
		c.value(at, s.Member, value)
	}
}

func (c *checker) mapping(path string, s *shape, v any) {
	in, ok := v.(map[string]any)
	if !ok {
		c.fault(path, "want an object, not %s", kind(v))
		return
	}
	c.length(path, s, len(in), "members")
	for key, value := range in {
		at := under(path, key)
		c.text(at+" (its name)", s.Key.of, s.Key, key)
		if value == nil {
			c.fault(at, "is null")
			continue
		}
		c.value(at, s.Value, value)
	}
}

func (c *checker) text(path string, s *shape, ref *member, v any) {
	if ref.JSONValue {
		return // any JSON
	}
	text, ok := v.(string)
	if !ok {
		c.fault(path, "want a text, not %s", kind(v))
		return
	}
	c.length(path, s, utf8.RuneCountInString(text), "characters")
	if s.Pattern != "" && s.pattern != nil && !s.pattern.MatchString(text) {
		c.fault(path, "does not match %s", s.Pattern)
	}
}

func (c *checker) length(path string, s *shape, n int, of string) {
	if s.Min != nil && float64(n) < *s.Min {
		c.fault(path, "has %d %s, want at least %g", n, of, *s.Min)
	}
	if s.Max != nil && float64(n) > *s.Max {
		c.fault(path, "has %d %s, want at most %s", n, of, strconv.FormatFloat(*s.Max, 'f', -1, 64))
	}
}

func (c *checker) integer(path string, s *shape, v any) {
	n, err := integer(v)
	if err != nil {
		c.fault(path, "%v", err)
		return
	}
	if s.Type == "integer" && (n > math.MaxInt32 || n < math.MinInt32) {
		c.fault(path, "%d is not within 32 bits", n)
		return
	}
	c.within(path, s, float64(n))
}

func (c *checker) number(path string, s *shape, v any) {
	switch x := v.(type) {
	case string:
		if !slices.Contains([]string{"NaN", "Infinity", "-Infinity"}, x) {
			c.fault(path, "want a number, not a text")
		}
	case float64:
		c.within(path, s, x)
	case json.Number:
		f, err := x.Float64()
		if err != nil {
			c.fault(path, "is no number that can be sent")
			return
		}
		c.within(path, s, f)
	default:
		if n, err := integer(v); err == nil {
			c.within(path, s, float64(n))
			return
		}
		c.fault(path, "want a number, not %s", kind(v))
	}
}

func (c *checker) within(path string, s *shape, f float64) {
	if s.Min != nil && f < *s.Min {
		c.fault(path, "is less than %g", *s.Min)
	}
	if s.Max != nil && f > *s.Max {
		c.fault(path, "is more than %g", *s.Max)
	}
}

// labels checks what becomes part of the path or the host.
func (c *checker) labels(op *Operation, input map[string]any) {
	for name, ref := range op.Input.of.Members {
		text, ok := input[name].(string)
		if !ok {
			if ref.Location == "uri" && input[name] == nil && !slices.Contains(op.Input.of.Required, name) {
				c.fault(name, "is missing: it is part of the path")
			}
			continue
		}
		if ref.Location == "uri" && text == "" {
			c.fault(name, "is empty: it is part of the path")
		}
		if ref.HostLabel && !hostLabel(text) {
			c.fault(name, "is part of the host name: want letters, digits, hyphens and dots")
		}
	}
}

func hostLabel(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == ""
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case []byte:
		return "bytes"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case json.Number, float64, int, int32, int64:
		return "a number"
	default:
		return fmt.Sprintf("a %T", v)
	}
}

func integer(v any) (int64, error) {
	switch n := v.(type) {
	case int:
		return int64(n), nil
	case int32:
		return int64(n), nil
	case int64:
		return n, nil
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), nil
		}
	case json.Number:
		if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
			return i, nil
		}
	default:
		return 0, fmt.Errorf("want an integer, not %s", kind(v))
	}
	return 0, errors.New("want an integer of at most 64 bits")
}

// moment reads a timestamp: RFC 3339, or seconds since 1970.
func moment(v any) (time.Time, error) {
	switch t := v.(type) {
	case time.Time:
		return t, nil
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
			if at, err := time.Parse(layout, t); err == nil {
				return at.UTC(), nil
			}
		}
		return time.Time{}, errors.New("is no time: write 2026-01-31T12:00:00Z, or seconds since 1970 as a number")
	case json.Number:
		f, err := t.Float64()
		if err != nil || math.Abs(f) > 1e12 {
			return time.Time{}, errors.New("is no number of seconds since 1970")
		}
		return seconds(f), nil
	case float64:
		if math.Abs(t) > 1e12 {
			return time.Time{}, errors.New("is no number of seconds since 1970")
		}
		return seconds(t), nil
	}
	if n, err := integer(v); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("want a time, not %s", kind(v))
}

func seconds(f float64) time.Time {
	return time.UnixMicro(int64(math.Round(f * 1e6))).UTC()
}

// base64Of is the only member of an object that stands for bytes given as base64.
const base64Of = "$base64"

// blob reads bytes: a text is its UTF-8, {"$base64": "…"} what it encodes, any other
// object or list its JSON.
func blob(v any) ([]byte, error) {
	switch b := v.(type) {
	case []byte:
		return b, nil
	case string:
		return []byte(b), nil
	case map[string]any:
		if text, ok := b[base64Of].(string); ok && len(b) == 1 {
			return decodeBase64(text)
		}
		return marshal(b)
	case []any:
		return marshal(b)
	default:
		return nil, fmt.Errorf("want a text, an object, a list or {%q: …}, not %s", base64Of, kind(v))
	}
}
