package filter

import (
	"encoding/json"
	"unicode/utf8"
)

// verdict is what the scanner makes of a text.
type verdict uint8

const (
	objectJSON verdict = iota
	otherJSON
	noJSON
	tooDeep
)

// maxDepth bounds the nesting that is scanned, as Java's JSON reader does.
const maxDepth = 1000

// scanner walks a JSON text once. It checks all of it, and notes in the document the
// values whose path some condition names. A step of nil means that nothing below can
// be named. Every method returns false when the text is no JSON at that place.
type scanner struct {
	doc  *document
	text []byte
	at   int
	deep bool
}

func (s *scanner) run() verdict {
	s.space()
	object := s.at < len(s.text) && s.text[s.at] == '{'
	var root *step
	if object {
		root = s.doc.paths.root
	}
	ok := s.value(root, 0, 0)
	s.space()
	switch {
	case s.deep:
		return tooDeep
	case !ok || s.at != len(s.text):
		return noJSON
	case !object:
		return otherJSON
	}
	return objectJSON
}

func (s *scanner) value(to *step, in int32, depth int) bool {
	if s.at >= len(s.text) {
		return false
	}
	switch c := s.text[s.at]; c {
	case '{':
		return s.object(to, in, depth+1)
	case '[':
		return s.array(to, in, depth+1)
	}
	wanted := to != nil && to.path >= 0
	kind, text, ok := s.scalar(wanted)
	if ok && wanted {
		s.doc.note(to.path, in, kind, text)
	}
	return ok
}

func (s *scanner) enter(depth int) bool {
	s.deep = s.deep || depth > maxDepth
	s.at++
	s.space()
	return !s.deep
}

func (s *scanner) object(to *step, in int32, depth int) bool {
	if !s.enter(depth) {
		return false
	}
	if s.skip('}') {
		return true
	}
	for {
		name, ok := s.name(to != nil)
		if !ok {
			return false
		}
		next := to
		if to != nil {
			next = s.doc.paths.down(to, name)
		}
		if !s.value(next, in, depth) {
			return false
		}
		s.space()
		if s.skip('}') {
			return true
		}
		if !s.skip(',') {
			return false
		}
		s.space()
	}
}

// name reads a member's name and the colon behind it.
func (s *scanner) name(wanted bool) ([]byte, bool) {
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		return nil, false
	}
	name, ok := s.str(wanted)
	s.space()
	if !ok || !s.skip(':') {
		return nil, false
	}
	s.space()
	return name, true
}

func (s *scanner) array(to *step, in int32, depth int) bool {
	if !s.enter(depth) {
		return false
	}
	if s.skip(']') {
		return true
	}
	number := int32(-1)
	if to != nil {
		number = s.doc.openArray()
	}
	for {
		if !s.item(to, in, number, depth) {
			return false
		}
		s.space()
		if s.skip(']') {
			break
		}
		if !s.skip(',') {
			return false
		}
		s.space()
	}
	if to != nil {
		s.doc.arrays[number].end = s.doc.count
	}
	return true
}

// item reads one element of an array. Values directly in an array belong to what is
// around the array: only objects and arrays in it bind other fields.
func (s *scanner) item(to *step, in, number int32, depth int) bool {
	if to == nil {
		return s.value(nil, 0, depth)
	}
	if s.at < len(s.text) && (s.text[s.at] == '{' || s.text[s.at] == '[') {
		e := s.doc.openElement(number, in)
		ok := s.value(to, e, depth)
		s.doc.elements[e].end = s.doc.count
		return ok
	}
	s.doc.arrays[number].mixed = true
	return s.value(to, in, depth)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) scalar(wanted bool) (valueKind, []byte, bool) {
	begin := s.at
	switch c := s.text[s.at]; c {
	case '"':
		text, ok := s.str(wanted)
		return stringValue, text, ok
	case 't':
		ok := s.word("true")
		return wordValue, s.text[begin:s.at], ok
	case 'f':
		ok := s.word("false")
		return wordValue, s.text[begin:s.at], ok
	case 'n':
		ok := s.word("null")
		return wordValue, s.text[begin:s.at], ok
	}
	ok := s.number()
	return numberValue, s.text[begin:s.at], ok
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) number() bool {
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return false
	}
	if s.skip('.') && !s.digits() {
		return false
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('+') {
			s.skip('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > begin
}

// str reads a string. Its content aliases the text unless it has escapes; those are
// decoded only where the content is wanted.
func (s *scanner) str(wanted bool) ([]byte, bool) {
	begin := s.at
	escaped := false
	for at := begin + 1; at < len(s.text); at++ {
		c := s.text[at]
		if c != '"' && c != '\\' && c >= ' ' {
			continue
		}
		s.at = at
		switch c {
		case '"':
			s.at++
			if escaped && wanted {
				return s.decode(s.text[begin:s.at]), true
			}
			return s.text[begin+1 : at], true
		case '\\':
			escaped = true
			if !s.escape() {
				return nil, false
			}
			at = s.at
		default:
			return nil, false
		}
	}
	return nil, false
}

// escape checks the escape that begins here, and stops at its last byte.
func (s *scanner) escape() bool {
	s.at++
	if s.at >= len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return false
	}
	for range 4 {
		s.at++
		if s.at >= len(s.text) || !hexDigit(s.text[s.at]) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// decode resolves the escapes of a string that has been checked. Half a surrogate pair
// becomes U+FFFD, as everywhere in Go.
func (s *scanner) decode(quoted []byte) []byte {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return utf8.AppendRune(nil, utf8.RuneError) // not reached: str has checked it
	}
	begin := len(s.doc.decoded)
	s.doc.decoded = append(s.doc.decoded, text...)
	return s.doc.decoded[begin:]
}
