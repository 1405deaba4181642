package cli

import (
	"reflect"
	"time"

	"github.com/goccy/go-yaml"
)

// members gives the members of a configuration that are not zero, in their order, under
// their names in YAML; references found in places are replaced.
func members(section any, places map[string]string) yaml.MapSlice {
	var out yaml.MapSlice
	v := reflect.ValueOf(section)
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Tag.Get("yaml"), v.Field(i)
		if name == "" || name == "properties" || field.IsZero() {
			continue
		}
		out = append(out, yaml.MapItem{Key: name, Value: member(field, places)})
	}
	return out
}

func member(field reflect.Value, places map[string]string) any {
	switch {
	case field.Kind() == reflect.Pointer:
		return members(field.Elem().Interface(), places)
	case field.Type() == reflect.TypeFor[time.Duration]():
		return field.Interface().(time.Duration).String()
	case field.Kind() == reflect.String:
		if place, ok := places[field.String()]; ok {
			return place
		}
		return field.String()
	}
	return field.Interface()
}

// plainMap is the same for JSON.
func plainMap(section yaml.MapSlice) map[string]any {
	out := map[string]any{}
	for _, item := range section {
		value := item.Value
		if inner, ok := value.(yaml.MapSlice); ok {
			value = plainMap(inner)
		}
		out[item.Key.(string)] = value
	}
	return out
}
