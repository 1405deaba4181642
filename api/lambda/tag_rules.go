package lambda

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"gantry/mapping"
)

// tagPattern is AWS's, of keys and values.
var tagPattern = whole(`([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)

const maxTags = 50

// tagFaults checks tags as they are given to a function or a mapping.
func tagFaults(tags map[string]string, f *faults) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		f.text("tags."+shorten(key)+".key", &key, length(1, 128), pattern(tagPattern))
		f.text("tags."+shorten(key)+".value", &value, length(0, 256), pattern(tagPattern))
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			f.refuse("Tags: %s: keys that begin with aws: are reserved", key)
		}
	}
	tooManyTags(tags, f)
}

// functionTagFaults refuses options on a function: they are those of a mapping.
func functionTagFaults(keys iter.Seq[string], f *faults) {
	for _, key := range slices.Sorted(keys) {
		if mapping.IsOption(key) {
			f.refuse("Tags: %s: keys that begin with %s are options of event source mappings", key, mapping.OptionPrefix)
		}
	}
}

// optionTagFaults checks what the tags of a mapping say as its options.
func optionTagFaults(tags map[string]string, f *faults) {
	for _, err := range new(mapping.Mapping).Retag(tags) {
		f.refuse("Tags: %v", err)
	}
}

func tooManyTags(tags map[string]string, f *faults) {
	if len(tags) > maxTags {
		f.refuse("Tags: %d tags are more than the %d a resource may have", len(tags), maxTags)
	}
}
