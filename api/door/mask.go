package door

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
)

// The names, in any case, of members whose values the audit log never shows: what
// functions get as environment and settings, packages, and whatever is called a secret.
var (
	hiddenMember  = regexp.MustCompile(`(?i)^(environment|settings)$|secret|password|passwd|token|private_?key`)
	packageMember = regexp.MustCompile(`(?i)^zip_?file$`)
)

const (
	hidden        = "***"
	hiddenChanged = "*** (changed)"
)

// maskedPair gives two values as JSON values without their secrets. Names stay, and a
// secret that differs from the one before says so: that it changed is what an audit is for.
func maskedPair(before, after any) (maskedBefore, maskedAfter any, err error) {
	b, err := asJSON(before)
	if err != nil {
		return nil, nil, err
	}
	a, err := asJSON(after)
	if err != nil {
		return nil, nil, err
	}
	return masked(b, b, false), masked(a, b, false), nil
}

// asJSON gives the members of a value as JSON knows them, numbers unchanged.
func asJSON(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write a change as JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out any
	err = dec.Decode(&out)
	return out, err
}

// masked walks a value beside the one before it.
func masked(v, before any, hide bool) any {
	switch v := v.(type) {
	case map[string]any:
		was, _ := before.(map[string]any)
		out := make(map[string]any, len(v))
		for name, member := range v {
			if packageMember.MatchString(name) && member != nil {
				out[name] = "(a deployment package)"
				continue
			}
			old, existed := was[name]
			if !existed {
				old = member // new: its name says so already
			}
			out[name] = masked(member, old, hide || hiddenMember.MatchString(name))
		}
		return out
	case []any:
		was, _ := before.([]any)
		out := make([]any, len(v))
		for i, member := range v {
			old := member
			if i < len(was) {
				old = was[i]
			}
			out[i] = masked(member, old, hide)
		}
		return out
	default:
		return maskedLeaf(v, before, hide)
	}
}

func maskedLeaf(v, before any, hide bool) any {
	switch {
	case !hide || v == nil || v == "":
		return v
	case !reflect.DeepEqual(v, before):
		return hiddenChanged
	}
	return hidden
}
