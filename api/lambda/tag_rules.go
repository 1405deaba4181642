package lambda

import (
	"maps"
	"slices"
	"strings"
)

// tagPattern is AWS's, of keys and values.
var tagPattern = whole(`([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)

const maxTags = 50

// optionPrefix begins the tags that are options of gantry. None is known yet: taking one
// silently would promise an effect that is not there.
const optionPrefix = "gantry:"

// tagFaults checks tags as they are given to a function or a mapping.
func tagFaults(tags map[string]string, f *faults) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		f.text("tags."+shorten(key)+".key", &key, length(1, 128), pattern(tagPattern))
		f.text("tags."+shorten(key)+".value", &value, length(0, 256), pattern(tagPattern))
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			f.refuse("Tags: %s: keys that begin with aws: are reserved", key)
		case strings.HasPrefix(strings.ToLower(key), optionPrefix):
			f.refuse("Tags: %s is no option of gantry (keys that begin with %s are kept for its options)", key, optionPrefix)
		}
	}
	tooManyTags(tags, f)
}

func tooManyTags(tags map[string]string, f *faults) {
	if len(tags) > maxTags {
		f.refuse("Tags: %d tags are more than the %d a resource may have", len(tags), maxTags)
	}
}
