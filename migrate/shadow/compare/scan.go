package compare

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"math"
	"unicode/utf8"
)

// step is one part of a path: a member's name, or an index.
type step struct {
	name  []byte // nil = an index
	index int
}

// visitor is told every leaf of a value: a scalar, or an object or list that is empty.
// place stands for the path, content for what is there.
type visitor interface {
	leaf(s *scanner, place, content uint64, raw []byte)
}

// maxDepth bounds the recursion; what is nested deeper is compared by its bytes.
const maxDepth = 500

// root is the place of a whole value.
const root uint64 = 0x9E3779B97F4A7C15

// scanner reads JSON and nothing that is almost JSON, without making anything of it: a
// value that two programs wrote in two ways has the same leaves.
type scanner struct {
	seed maphash.Seed
	to   visitor

	b    []byte
	i    int
	path []step
	room []byte // for digits of numbers
}

// scan tells to every leaf of text. It says false where text is no JSON; leaves may have
// been told by then.
func (s *scanner) scan(text []byte, to visitor) bool {
	if !utf8.Valid(text) {
		return false // decoders make the same character of different wrong bytes
	}
	s.b, s.i, s.path, s.to = text, 0, s.path[:0], to
	if !s.value(root) {
		return false
	}
	s.blank()
	return s.i == len(s.b)
}

func (s *scanner) blank() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next passes blanks and c.
func (s *scanner) next(c byte) bool {
	s.blank()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) value(place uint64) bool {
	s.blank()
	if s.i == len(s.b) || len(s.path) > maxDepth {
		return false
	}
	from := s.i
	var content uint64
	var ok bool
	switch s.b[s.i] {
	case '{':
		return s.object(place)
	case '[':
		return s.list(place)
	case '"':
		var text []byte
		text, ok = s.text()
		content = s.hash('"', text)
	case 't':
		content, ok = 't', s.word("true")
	case 'f':
		content, ok = 'f', s.word("false")
	case 'n':
		content, ok = 'n', s.word("null")
	default:
		content, ok = s.number()
	}
	if ok {
		s.to.leaf(s, place, content, s.b[from:s.i])
	}
	return ok
}

func (s *scanner) object(place uint64) bool {
	from := s.i
	s.i++
	if s.next('}') {
		s.to.leaf(s, place, '{', s.b[from:s.i])
		return true
	}
	depth := len(s.path)
	for {
		s.blank()
		name, ok := s.text()
		if !ok || !s.next(':') {
			return false
		}
		s.path = append(s.path, step{name: name})
		if !s.value(mix(place, s.hash('.', name))) {
			return false
		}
		s.path = s.path[:depth]
		if s.next(',') {
			continue
		}
		return s.next('}')
	}
}

func (s *scanner) list(place uint64) bool {
	from := s.i
	s.i++
	if s.next(']') {
		s.to.leaf(s, place, '[', s.b[from:s.i])
		return true
	}
	depth := len(s.path)
	for n := 0; ; n++ {
		s.path = append(s.path, step{index: n})
		if !s.value(mix(place, uint64(n))) {
			return false
		}
		s.path = s.path[:depth]
		if s.next(',') {
			continue
		}
		return s.next(']')
	}
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// text reads a string and gives what it says.
func (s *scanner) text() ([]byte, bool) {
	if s.i == len(s.b) || s.b[s.i] != '"' {
		return nil, false
	}
	from := s.i
	escaped := false
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			if escaped {
				return plain(s.b[from:s.i])
			}
			return s.b[from+1 : s.i-1 : s.i-1], true
		case c == '\\':
			escaped = true
			s.i++
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// plain takes the escapes out of a string. Half of a surrogate pair stands for nothing, so
// a decoder makes the same of any: such a string is taken as it is written.
func plain(quoted []byte) ([]byte, bool) {
	var out string
	if json.Unmarshal(quoted, &out) != nil {
		return nil, false
	}
	if bytes.ContainsRune([]byte(out), utf8.RuneError) && !bytes.ContainsRune(quoted, utf8.RuneError) {
		return quoted, true
	}
	return []byte(out), true
}

// number reads a number and gives what stands for its amount: 1, 1.0 and 10e-1 are one.
func (s *scanner) number() (content uint64, ok bool) {
	from := s.i
	negative := s.pass('-')
	whole := s.digits()
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' {
		return 0, false
	}
	digits, scale := whole, 0
	if s.pass('.') {
		fraction := s.digits()
		if len(fraction) == 0 {
			return 0, false
		}
		s.room = append(append(s.room[:0], whole...), fraction...)
		digits, scale = s.room, -len(fraction)
	}
	if s.pass('e') || s.pass('E') {
		less := s.pass('-')
		if !less {
			s.pass('+')
		}
		power, fits := s.power()
		if power < 0 {
			return 0, false
		}
		if less {
			power = -power
		}
		if !fits {
			return s.hash('#', s.b[from:s.i]), true // beyond any use: as it is written
		}
		scale += power
	}
	return s.amount(negative, digits, scale), true
}

func (s *scanner) pass(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) digits() []byte {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.b[from:s.i]
}

// power reads an exponent; -1 where there is none.
func (s *scanner) power() (power int, fits bool) {
	digits := s.digits()
	if len(digits) == 0 {
		return -1, false
	}
	for _, c := range digits {
		if power > math.MaxInt32 {
			return 0, false
		}
		power = power*10 + int(c-'0')
	}
	return power, true
}

// amount hashes the digits without the zeros at their ends.
func (s *scanner) amount(negative bool, digits []byte, scale int) uint64 {
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
	}
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		scale++
	}
	if len(digits) == 0 {
		return '0' // whatever its sign and its power
	}
	h := mix(s.hash('#', digits), uint64(scale))
	if negative {
		h = ^h
	}
	return h
}

// hash stands for text of one kind.
func (s *scanner) hash(kind byte, text []byte) uint64 {
	return mix(maphash.Bytes(s.seed, text), uint64(kind))
}

// mix makes one of two; the order counts.
func mix(a, b uint64) uint64 {
	h := (a ^ b*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93
	h ^= h >> 32
	h = (h + b) * 0xD6E8FEB86659FD93
	return h ^ h>>29
}
