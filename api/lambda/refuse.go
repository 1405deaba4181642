package lambda

import (
	"encoding/json"
	"reflect"
	"strings"
)

// refuseNotYet refuses every member of a body that AWS knows and gantry does not, unless
// it carries nothing or AWS's default. Members that AWS does not know are ignored, as
// AWS ignores them.
func refuseNotYet(operation string, body []byte, found *faults) error {
	var document any
	if err := json.Unmarshal(body, &document); err != nil {
		return malformed("SerializationException", "%s", jsonFault(err))
	}
	for _, m := range membersOf(operation) {
		if m.Standing != NotYet && m.Standing != NotKafka {
			continue
		}
		if value := lookUp(document, m.Name); !m.takes(value) {
			found.refuse("%s", m.refusal())
		}
	}
	return nil
}

func (m Member) refusal() string {
	text := m.Name + " is not supported by gantry yet"
	if m.Standing == NotKafka {
		text = m.Name + " does not apply to a Kafka event source"
	}
	if m.Note != "" {
		text += " (" + m.Note + ")"
	}
	return text
}

// takes says whether a value of a refused member is harmless: nothing at all, AWS's way
// to say "none" ("", [], {}, false), or AWS's default.
func (m Member) takes(value any) bool {
	if blank(value) {
		return true
	}
	for _, accepted := range m.Accepts {
		var v any
		if json.Unmarshal([]byte(accepted), &v) == nil && reflect.DeepEqual(v, value) {
			return true
		}
	}
	return false
}

func blank(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !blank(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// lookUp finds the value of a dotted name in a document, nil when there is none.
func lookUp(document any, name string) any {
	for part := range strings.SplitSeq(name, ".") {
		object, ok := document.(map[string]any)
		if !ok {
			return nil
		}
		document = object[part]
	}
	return document
}
