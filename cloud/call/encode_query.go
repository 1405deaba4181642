package call

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// formStructure adds a structure to a form of the query protocol.
func formStructure(form url.Values, prefix string, s *shape, v any) error {
	for name, value := range v.(map[string]any) {
		if value == nil {
			continue
		}
		ref := s.Members[name]
		if err := formValue(form, under(prefix, ref.name(name)), ref, value); err != nil {
			return err
		}
	}
	return nil
}

func formValue(form url.Values, prefix string, ref *member, v any) error {
	switch s := ref.of; s.Type {
	case "structure":
		return formStructure(form, prefix, s, v)
	case "list":
		return formList(form, prefix, ref, v.([]any))
	case "map":
		return formMap(form, prefix, ref, v.(map[string]any))
	case "blob":
		b, err := blob(v)
		form.Set(prefix, base64.StdEncoding.EncodeToString(b))
		return err
	case "timestamp":
		text, err := timeText(ref, v, "iso8601")
		form.Set(prefix, text)
		return err
	default:
		form.Set(prefix, plain(v))
		return nil
	}
}

func formList(form url.Values, prefix string, ref *member, v []any) error {
	if len(v) == 0 {
		form.Set(prefix, "") // an empty list is said
		return nil
	}
	element := ref.of.Member
	switch flat := ref.Flattened || ref.of.Flattened; {
	case flat && element.LocationName != "":
		prefix = prefix[:strings.LastIndex(prefix, ".")+1] + element.LocationName
	case !flat:
		prefix += "." + element.name("member")
	}
	for n, value := range v {
		if err := formValue(form, fmt.Sprintf("%s.%d", prefix, n+1), element, value); err != nil {
			return err
		}
	}
	return nil
}

func formMap(form url.Values, prefix string, ref *member, v map[string]any) error {
	s := ref.of
	if !ref.Flattened && !s.Flattened {
		prefix += ".entry"
	}
	for n, name := range slices.Sorted(maps.Keys(v)) {
		at := prefix + "." + strconv.Itoa(n+1) + "."
		form.Set(at+s.Key.name("key"), name)
		if err := formValue(form, at+s.Value.name("value"), s.Value, v[name]); err != nil {
			return err
		}
	}
	return nil
}

// plain is a simple value as text.
func plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}
