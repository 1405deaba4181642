// Package clientfile reads what Kafka's own Java clients are configured with: properties
// files (java.util.Properties), the JAAS line in them, and the places ${provider:path:key}
// points to (KIP-297). It knows the grammars and not a single setting.
//
// The flow: Parse gives the pairs of a file with their lines; Expand puts in what config
// providers hold; ParseJAAS reads the login modules of sasl.jaas.config. Each does what
// Java does, down to encodings and escapes, as the tests hold by asking Java itself.
// Invariant: an error names a place and never quotes a value, which may be a password.
package clientfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Pair is one key=value of a properties file. Line counts from 1.
type Pair struct {
	Key, Value string
	Line       int
}

// Parse reads a file as java.util.Properties.load(InputStream) does: ISO-8859-1,
// separators = : and blanks, continued lines, escapes. Pairs come in the file's order,
// keys that are given twice included (Java keeps the last). The error joins one for each
// malformed escape.
func Parse(text []byte) ([]Pair, error) { return load(latin1(text)) }

// load is Properties.load(Reader): what FileConfigProvider reads is UTF-8.
func load(text []rune) ([]Pair, error) {
	var pairs []Pair
	var errs []error
	s := &scanner{text: text, line: 1}
	for {
		logical, line, ok := s.logical()
		if !ok {
			return pairs, errors.Join(errs...)
		}
		key, value := split(logical)
		k, err1 := unescape(key)
		v, err2 := unescape(value)
		if err1 != nil || err2 != nil {
			errs = append(errs, fmt.Errorf("line %d: a \\u escape wants four hexadecimal digits", line))
			continue
		}
		pairs = append(pairs, Pair{Key: k, Value: v, Line: line})
	}
}

func latin1(text []byte) []rune {
	runes := make([]rune, len(text))
	for i, b := range text {
		runes[i] = rune(b)
	}
	return runes
}

// scanner cuts a file into logical lines.
type scanner struct {
	text []rune
	at   int
	line int
}

// logical gives the next line that holds a pair, with its continuations joined and their
// leading blanks removed, and the number of its first natural line.
func (s *scanner) logical() (joined []rune, line int, ok bool) {
	for s.at < len(s.text) {
		line = s.line
		natural := s.natural()
		if len(natural) == 0 || natural[0] == '#' || natural[0] == '!' {
			continue
		}
		joined = append(joined[:0:0], natural...)
		for continued(joined) {
			joined = joined[:len(joined)-1]
			if s.at >= len(s.text) {
				return joined, line, true // even where the backslash was all there was
			}
			joined = append(joined, s.natural()...)
		}
		if len(joined) > 0 {
			return joined, line, true
		}
	}
	return nil, 0, false
}

// natural gives the rest of the current line without leading blanks and its end.
func (s *scanner) natural() []rune {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
		s.at++
	}
	natural := s.text[begin:s.at]
	if s.at < len(s.text) {
		s.line++
		if s.text[s.at] == '\r' && s.at+1 < len(s.text) && s.text[s.at+1] == '\n' {
			s.at++
		}
		s.at++
	}
	for len(natural) > 0 && blank(natural[0]) {
		natural = natural[1:]
	}
	return natural
}

func continued(line []rune) bool {
	slashes := 0
	for slashes < len(line) && line[len(line)-1-slashes] == '\\' {
		slashes++
	}
	return slashes%2 == 1
}

func blank(r rune) bool { return r == ' ' || r == '\t' || r == '\f' }

// split finds where a key ends: at the first separator that is not escaped.
func split(line []rune) (key, value []rune) {
	end := 0
	for escaped := false; end < len(line); end++ {
		if r := line[end]; !escaped && (r == '=' || r == ':' || blank(r)) {
			break
		}
		escaped = line[end] == '\\' && !escaped
	}
	key, value = line[:end], line[end:]
	for separated := false; len(value) > 0; value = value[1:] {
		if sign := value[0] == '=' || value[0] == ':'; sign && !separated {
			separated = true
		} else if !blank(value[0]) {
			break
		}
	}
	return key, value
}

// unescape works on Java's chars: \uD83D\uDE00 is one character.
func unescape(text []rune) (string, error) {
	units := make([]uint16, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			units = utf16.AppendRune(units, text[i])
			continue
		}
		if i++; i == len(text) {
			break
		}
		switch r := text[i]; r {
		case 'u':
			unit, ok := hex(text[i+1:])
			if !ok {
				return "", errors.New("malformed escape")
			}
			units = append(units, unit)
			i += 4
		case 't', 'r', 'n', 'f':
			units = append(units, uint16("\t\r\n\f"[strings.IndexRune("trnf", r)]))
		default:
			units = utf16.AppendRune(units, r)
		}
	}
	return string(utf16.Decode(units)), nil
}

func hex(text []rune) (unit uint16, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, r := range text[:4] {
		at := strings.IndexRune("0123456789abcdef", r|0x20)
		if at < 0 || (at < 10 && r > '9') || r > 'f' {
			return 0, false
		}
		unit = unit<<4 | uint16(at)
	}
	return unit, true
}
