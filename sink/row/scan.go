package row

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// scanner walks over JSON text without building anything. It accepts exactly what
// encoding/json accepts (scan_test.go holds it against that), and gives spans of its input.
type scanner struct {
	b     []byte
	i     int
	depth int
}

const maxDepth = 1000

// object visits the members of the object that is all of text.
func object(text []byte, visit func(name, value []byte) error) error {
	s := scanner{b: text}
	s.space()
	if s.peek() != '{' {
		return fmt.Errorf("is not a JSON object")
	}
	if err := s.members(visit); err != nil {
		return err
	}
	return s.end()
}

func (s *scanner) end() error {
	s.space()
	if s.i != len(s.b) {
		return s.wrong("more after the value")
	}
	return nil
}

func (s *scanner) members(visit func(name, value []byte) error) error {
	s.i++
	if s.space(); s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		s.space()
		if s.peek() != '"' {
			return s.wrong("no name of a member")
		}
		name, err := s.value()
		if err != nil {
			return err
		}
		if s.space(); s.peek() != ':' {
			return s.wrong("no colon after a name")
		}
		s.i++
		value, err := s.value()
		if err != nil {
			return err
		}
		if visit != nil {
			if err := visit(name, value); err != nil {
				return err
			}
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

// next reads what follows an element: a comma, or the end of what it is in.
func (s *scanner) next(end byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		return false, nil
	case end:
		s.i++
		return true, nil
	default:
		return false, s.wrong("neither a comma nor " + string(end))
	}
}

// value gives the span of the next value.
func (s *scanner) value() ([]byte, error) {
	s.space()
	from := s.i
	var err error
	switch c := s.peek(); {
	case c == '"':
		err = s.text()
	case c == '{':
		err = s.nested(func() error { return s.members(nil) })
	case c == '[':
		err = s.nested(func() error { return s.elements(nil) })
	case c == '-' || c >= '0' && c <= '9':
		err = s.number()
	default:
		err = s.word()
	}
	return s.b[from:s.i], err
}

func (s *scanner) nested(read func() error) error {
	if s.depth++; s.depth > maxDepth {
		return s.wrong("deeper than 1000 levels")
	}
	defer func() { s.depth-- }()
	return read()
}

func (s *scanner) elements(visit func(value []byte) error) error {
	s.i++
	if s.space(); s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		value, err := s.value()
		if err != nil {
			return err
		}
		if visit != nil {
			if err := visit(value); err != nil {
				return err
			}
		}
		if done, err := s.next(']'); done || err != nil {
			return err
		}
	}
}

// text walks over a string, its quotes included.
func (s *scanner) text() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return s.wrong("a control character in a string")
		}
	}
	return s.wrong("a string without an end")
}

func (s *scanner) escape() error {
	s.i++
	if c := s.peek(); c != 'u' {
		if c == 0 || bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0 {
			return s.wrong("an unknown escape")
		}
		return nil
	}
	for range 4 {
		s.i++
		if c := s.peek(); !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return s.wrong("an escape without four hexadecimal digits")
		}
	}
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if s.digits() == 0 {
		return s.wrong("a number without digits")
	}
	if s.peek() == '.' {
		s.i++
		if s.digits() == 0 {
			return s.wrong("a number without digits after its point")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if s.digits() == 0 {
			return s.wrong("a number without digits in its exponent")
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for ; s.peek() >= '0' && s.peek() <= '9'; n++ {
		s.i++
	}
	return n
}

func (s *scanner) word() error {
	for _, w := range []string{"null", "true", "false"} {
		if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
			s.i += len(w)
			return nil
		}
	}
	return s.wrong("no value")
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.i++
	}
}

func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) wrong(what string) error {
	return fmt.Errorf("is not JSON: %s at byte %d", what, s.i)
}

// unquote gives the content of a string that the scanner has walked over.
func unquote(text []byte) []byte {
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	if json.Unmarshal(text, &s) != nil { // the scanner has read it: can't happen
		return inner
	}
	return []byte(s)
}
