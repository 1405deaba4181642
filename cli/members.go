package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// printMembers prints the members of a JSON object that say something, in their own
// order, which is that of a file.
func printMembers(w io.Writer, object json.RawMessage, without ...string) {
	in := json.NewDecoder(bytes.NewReader(object))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return
	}
	for in.More() {
		name, err := in.Token()
		var value any
		if err != nil || in.Decode(&value) != nil {
			return
		}
		if text := inWords(value); text != "" && !slices.Contains(without, fmt.Sprint(name)) {
			row(w, fmt.Sprint(name)+":", text)
		}
	}
}

// inWords is a value as people write it; "" where it says nothing.
func inWords(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		var words []string
		for _, member := range v {
			words = append(words, inWords(member))
		}
		return strings.Join(words, ", ")
	case map[string]any:
		if len(v) == 0 {
			return ""
		}
		var text strings.Builder
		out := json.NewEncoder(&text)
		out.SetEscapeHTML(false)
		_ = out.Encode(v) // it came from JSON
		return strings.TrimSpace(text.String())
	}
	return fmt.Sprint(value)
}
