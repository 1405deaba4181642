package call

import (
	"encoding/base64"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Endpoint is where the client calls.
func (c *Client) Endpoint() string { return c.base.String() }

// MakeUp makes up an input that fits the model.
func MakeUp(m *Model, operation string, r *rand.Rand) map[string]any {
	op := m.Operations[operation]
	if op.Input == nil {
		return map[string]any{}
	}
	made := (&maker{r: r}).value(op.Input, 0).(map[string]any)
	for name, ref := range op.Input.of.Members { // a path and a host need all they are made of
		if (ref.Location == "uri" || ref.HostLabel) && made[name] == nil {
			made[name] = (&maker{r: r}).value(ref, 0)
		}
	}
	return made
}

type maker struct{ r *rand.Rand }

func (k *maker) value(ref *member, depth int) any {
	s := ref.of
	if s.Document {
		return map[string]any{"any": []any{"thing", 1.0, true, nil}}
	}
	switch s.Type {
	case "structure":
		return k.structure(s, depth)
	case "list":
		out := []any{}
		for range k.count(s, depth) {
			out = append(out, k.value(s.Member, depth+1))
		}
		return out
	case "map":
		out := map[string]any{}
		for range k.count(s, depth) {
			out[k.text(s.Key)] = k.value(s.Value, depth+1)
		}
		return out
	case "boolean":
		return k.r.IntN(2) == 0
	case "integer", "long", "float", "double":
		n := 1 + k.r.IntN(5)
		if s.Min != nil {
			n = max(n, int(*s.Min))
		}
		if s.Max != nil {
			n = min(n, int(*s.Max))
		}
		return n
	case "timestamp":
		return []any{"2026-01-31T12:00:01Z", "2026-01-31T12:00:01.250000Z"}[k.r.IntN(2)]
	case "blob":
		b := make([]byte, k.count(s, 0)+3)
		for n := range b {
			b[n] = byte(k.r.IntN(256))
		}
		return map[string]any{"$base64": base64.StdEncoding.EncodeToString(b)}
	default:
		return k.text(ref)
	}
}

func (k *maker) structure(s *shape, depth int) any {
	out := map[string]any{}
	names := slices.Sorted(maps.Keys(s.Members))
	if s.Union {
		name := names[k.r.IntN(len(names))]
		return map[string]any{name: k.value(s.Members[name], depth+1)}
	}
	for _, name := range names {
		if slices.Contains(s.Required, name) || depth < 6 && k.r.IntN(depth+2) == 0 {
			out[name] = k.value(s.Members[name], depth+1)
		}
	}
	return out
}

func (k *maker) count(s *shape, depth int) int {
	n := k.r.IntN(3)
	if depth > 5 {
		n = 0
	}
	if s.Min != nil {
		n = max(n, int(*s.Min))
	}
	if s.Max != nil {
		n = min(n, int(*s.Max))
	}
	return n
}

// texts are tried against a pattern, in an order that changes.
var texts = []string{"a", "Ab-1", "arn:aws:iam::123456789012:role/a", "é/ ü+%&=", "1", "2026-01-31", "https://a.b/c?d=e", "eu-west-2", "a@b.c",
	"123456789012", "arn:aws:braket:::device/quantum-simulator/amazon/sv1", "s3://bucket/key", "00000000-0000-0000-0000-000000000000", "a.b", "{}", "AAAA1111"}

// text makes a text that fits; where none is found the pattern is taken off the model, as
// it is the writing that is under test.
func (k *maker) text(ref *member) string {
	s := ref.of
	for _, n := range k.r.Perm(len(texts)) {
		text := texts[n]
		if ref.HostLabel && !hostLabel(text) || ref.Location == "header" && strings.ContainsAny(text, "éü") {
			continue
		}
		if s.Min != nil {
			for len([]rune(text)) < int(*s.Min) {
				text += "a"
			}
		}
		if s.Max != nil && len([]rune(text)) > int(*s.Max) {
			continue
		}
		if s.pattern == nil || s.pattern.MatchString(text) {
			return text
		}
	}
	s.pattern = nil
	return k.text(ref)
}
