package call

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// rest writes an input in the rest-json protocol: members go to the path, the query, the
// headers and the body, as the model places them.
func (op *Operation) rest(m *message, input map[string]any) error {
	path, fixed, _ := strings.Cut(op.HTTP.RequestURI, "?")
	query, err := url.ParseQuery(fixed)
	if err != nil {
		return fmt.Errorf("the model's path: %w", err)
	}
	m.query = query
	if op.Input == nil {
		m.path = path
		return nil
	}
	labels, body := map[string]string{}, map[string]any{}
	for name, v := range input {
		if v == nil {
			continue
		}
		ref := op.Input.of.Members[name]
		switch ref.Location {
		case "uri":
			labels[ref.name(name)], err = placed(ref, v, "iso8601")
		case "querystring":
			err = inQuery(m.query, name, ref, v)
		case "header":
			err = inHeader(m.header, ref.name(name), ref, v)
		case "headers":
			for suffix, value := range v.(map[string]any) {
				m.header.Set(ref.LocationName+suffix, plain(value))
			}
		default:
			body[name] = v
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	m.path = fill(path, labels)
	return op.restBody(m, input, body)
}

// restBody writes the body: the payload member alone, or the members that went nowhere else.
func (op *Operation) restBody(m *message, input, rest map[string]any) error {
	s := op.Input.of
	var err error
	switch payload := s.Members[s.Payload]; {
	case s.Payload == "" && len(rest) == 0 && !hasBody(s):
		return nil
	case s.Payload == "":
		m.body, err = jsonBody(op.Input, rest)
	case payload.of.Type == "blob":
		if v := input[s.Payload]; v != nil {
			m.body, err = blob(v)
		}
		return err
	case payload.of.Type == "string":
		m.body = []byte(plain(orEmpty(input[s.Payload])))
		return nil
	default:
		v := input[s.Payload]
		if v == nil {
			v = map[string]any{}
		}
		m.body, err = jsonBody(payload, v)
	}
	if m.header.Get("Content-Type") == "" {
		m.header.Set("Content-Type", "application/json")
	}
	return err
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// hasBody says whether some member belongs to the body, so that an empty one is sent.
func hasBody(s *shape) bool {
	for _, ref := range s.Members {
		if ref.Location == "" {
			return true
		}
	}
	return false
}

var label = regexp.MustCompile(`\{[^}]*\}`)

// fill puts labels into a path. {Name+} keeps its slashes.
func fill(path string, labels map[string]string) string {
	return label.ReplaceAllStringFunc(path, func(at string) string {
		name := strings.Trim(at, "{}")
		value, greedy := strings.CutSuffix(name, "+")
		escaped := escape(labels[value])
		if greedy {
			escaped = strings.ReplaceAll(escaped, "%2F", "/")
		}
		return escaped
	})
}

// escape escapes all that RFC 3986 does not call unreserved.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func inQuery(query url.Values, name string, ref *member, v any) error {
	switch x := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if list, ok := x[key].([]any); ok {
				for _, value := range list {
					query.Add(key, plain(value))
				}
				continue
			}
			query.Set(key, plain(x[key]))
		}
	case []any:
		for _, value := range x {
			text, err := placed(ref.of.Member, value, "iso8601")
			if err != nil {
				return err
			}
			query.Add(ref.name(name), text)
		}
	default:
		text, err := placed(ref, v, "iso8601")
		query.Set(ref.name(name), text)
		return err
	}
	return nil
}

func inHeader(header http.Header, name string, ref *member, v any) error {
	if ref.JSONValue {
		b, err := marshal(v)
		header.Set(name, base64.StdEncoding.EncodeToString(b))
		return err
	}
	list, isList := v.([]any)
	if !isList {
		text, err := placed(ref, v, "rfc822")
		if strings.ContainsAny(text, "\r\n\x00") {
			return fmt.Errorf("is a header and has a line break")
		}
		header.Set(name, text)
		return err
	}
	var parts []string
	for _, value := range list {
		text, err := placed(ref.of.Member, value, "rfc822")
		if err != nil {
			return err
		}
		if ref.of.Member.of.Type == "string" && strings.ContainsAny(text, `",`) {
			text = `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
		}
		parts = append(parts, text)
	}
	if len(parts) > 0 {
		header.Set(name, strings.Join(parts, ","))
	}
	return nil
}

// placed is a simple value outside the body.
func placed(ref *member, v any, timestamps string) (string, error) {
	if ref.of.Type == "timestamp" {
		return timeText(ref, v, timestamps)
	}
	return plain(v), nil
}
