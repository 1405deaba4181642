package declare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"gantry/secret"
)

// reader walks the tree of a file and collects what is wrong with it.
type reader struct {
	id     Identity
	file   *File
	faults []Fault
	places []place // of mappings, for faults found between them
	named  []naming
}

// read reads one value; path says where it is.
type read func(n ast.Node, path string)

// members are the keys an object may have.
type members map[string]read

func (r *reader) fault(n ast.Node, path, format string, args ...any) {
	r.faults = append(r.faults, Fault{Line: lineOf(n), Path: path, Text: fmt.Sprintf(format, args...)})
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

// later refuses what the design has and gantry does not do yet.
func (r *reader) later(n ast.Node, path string) {
	r.fault(n, path, "is not supported yet; leave it out")
}

// pairs gives the members of an object in order, or a fault.
func (r *reader) pairs(n ast.Node, path string) []*ast.MappingValueNode {
	switch v := plain(n).(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	case *ast.NullNode:
		return nil
	}
	r.fault(n, path, "want an object (key: value), not %s", kind(n))
	return nil
}

// plain looks through tags and anchors.
func plain(n ast.Node) ast.Node {
	switch v := n.(type) {
	case *ast.AnchorNode:
		return plain(v.Value)
	case *ast.TagNode:
		return plain(v.Value)
	}
	return n
}

func kind(n ast.Node) string { return strings.ToLower(plain(n).Type().YAMLName()) }

func (r *reader) object(n ast.Node, path string, known members) {
	seen := map[string]bool{}
	for _, pair := range r.pairs(n, path) {
		key := pair.Key.String()
		at := join(path, key)
		read, ok := known[key]
		switch {
		case seen[key]:
			r.fault(pair.Key, at, "is given twice")
		case !ok:
			r.fault(pair.Key, at, "unknown key; known here: %s", strings.Join(own(known), ", "))
		default:
			read(pair.Value, at)
		}
		seen[key] = true
	}
}

// own leaves AWS's spellings out of the list of known keys: one name each is enough.
func own(known members) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(k string) bool { return k[0] >= 'A' && k[0] <= 'Z' })
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// each reads an object whose keys are names.
func (r *reader) each(one func(name string, n ast.Node, path string)) read {
	return func(n ast.Node, path string) {
		seen := map[string]bool{}
		for _, pair := range r.pairs(n, path) {
			name := pair.Key.String()
			if s, ok := pair.Key.(*ast.StringNode); ok {
				name = s.Value
			}
			if seen[name] {
				r.fault(pair.Key, join(path, name), "is given twice")
			}
			seen[name] = true
			one(name, pair.Value, join(path, name))
		}
	}
}

func (r *reader) list(one read) read {
	return func(n ast.Node, path string) {
		seq, ok := plain(n).(*ast.SequenceNode)
		if !ok {
			r.fault(n, path, "want a list, not %s", kind(n))
			return
		}
		for i, v := range seq.Values {
			one(v, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// scalar gives the text of a value that is one word.
func (r *reader) scalar(n ast.Node, path, want string) (string, bool) {
	switch v := plain(n).(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value, true
	}
	r.fault(n, path, "want %s, not %s%s", want, kind(n), unquoted(n))
	return "", false
}

// unquoted is a hint for host:9092 within [] or {}, which YAML reads as an object.
func unquoted(n ast.Node) string {
	m, ok := plain(n).(*ast.MappingNode)
	if !ok || len(m.Values) != 1 {
		return ""
	}
	key, value := m.Values[0].Key.String(), m.Values[0].Value
	if value.GetToken().Position.Column != m.Values[0].Key.GetToken().Position.Column+len(key)+1 {
		return "" // a blank behind the colon: an object was meant
	}
	return fmt.Sprintf("; a colon makes it an object: put quotes around it, as in %q", key+":"+value.String())
}

func (r *reader) text(to *string) read {
	return func(n ast.Node, path string) {
		if s, ok := r.scalar(n, path, "text"); ok {
			*to = s
		}
	}
}

// ref is a reference to a secret; file: is relative to the file that names it.
func (r *reader) ref(to *string) read {
	return func(n ast.Node, path string) {
		if s, ok := r.scalar(n, path, "a reference to a secret"); ok {
			*to = secret.Anchor(s, r.id.Dir)
		}
	}
}

func (r *reader) texts(to *[]string) read {
	return r.list(func(n ast.Node, path string) {
		if s, ok := r.scalar(n, path, "text"); ok {
			*to = append(*to, s)
		}
	})
}

func (r *reader) textMap(to map[string]string) read {
	return r.each(func(name string, n ast.Node, path string) {
		if s, ok := r.scalar(n, path, "text"); ok {
			to[name] = s
		}
	})
}

// refMap is an object of references to secrets.
func (r *reader) refMap(to map[string]string) read {
	return r.each(func(name string, n ast.Node, path string) {
		var ref string
		r.ref(&ref)(n, path)
		to[name] = ref
	})
}

func (r *reader) flag(to *bool) read {
	return func(n ast.Node, path string) {
		v, ok := plain(n).(*ast.BoolNode)
		if !ok {
			r.fault(n, path, "want true or false, not %s", kind(n))
			return
		}
		*to = v.Value
	}
}

func (r *reader) oneOf(to *string, words ...string) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "one of "+strings.Join(words, ", "))
		if ok && !slices.Contains(words, s) {
			r.fault(n, path, "%q is not known; want one of %s", s, strings.Join(words, ", "))
			return
		}
		*to = s
	}
}

func (r *reader) number(to *int, least, most int) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a whole number")
		if !ok {
			return
		}
		v, err := strconv.Atoi(s)
		switch {
		case err != nil:
			r.fault(n, path, "%q is no whole number", s)
		case v < least || v > most:
			r.fault(n, path, "%d is not within %d..%d", v, least, most)
		default:
			*to = v
		}
	}
}

// duration takes 30s, 5m, 1h30m, or a number of seconds as AWS writes it.
func (r *reader) duration(to *time.Duration, least, most time.Duration) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a duration such as 30s")
		if !ok {
			return
		}
		d, err := time.ParseDuration(s)
		if seconds, bad := strconv.Atoi(s); bad == nil {
			d, err = time.Duration(seconds)*time.Second, nil
		}
		switch {
		case err != nil:
			r.fault(n, path, "%q is no duration; want one such as 500ms, 30s or 5m", s)
		case d < least || d > most:
			r.fault(n, path, "%s is not within %s..%s", d, least, most)
		default:
			*to = d
		}
	}
}

// megabytes takes 256MB, 1GB, or a number of MB as AWS writes it.
func (r *reader) megabytes(to *int, least, most int) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a size such as 256MB")
		if !ok {
			return
		}
		digits, unit := strings.TrimRight(s, "GMBi"), 1
		if suffix := s[len(digits):]; strings.HasPrefix(suffix, "G") {
			unit = 1024
		}
		v, err := strconv.Atoi(strings.TrimSpace(digits))
		switch v *= unit; {
		case err != nil:
			r.fault(n, path, "%q is no size; want one such as 256MB", s)
		case v < least || v > most:
			r.fault(n, path, "%d MB is not within %d..%d", v, least, most)
		default:
			*to = v
		}
	}
}

// document gives a value as JSON: for patterns, which may be written as YAML.
func (r *reader) json(n ast.Node, path string) (string, bool) {
	if s, ok := plain(n).(*ast.StringNode); ok {
		return s.Value, true
	}
	if s, ok := plain(n).(*ast.LiteralNode); ok {
		return strings.TrimSpace(s.Value.Value), true
	}
	var v any
	if err := yaml.NodeToValue(n, &v); err != nil {
		r.fault(n, path, "can't be read: %v", err)
		return "", false
	}
	body, err := json.Marshal(v)
	if err != nil {
		r.fault(n, path, "has no JSON form: %v", err)
		return "", false
	}
	return string(body), true
}
