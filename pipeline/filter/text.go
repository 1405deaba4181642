package filter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// The Event Ruler compares strings with their quotes on, so a prefix that ends with a
// quote, or a suffix that begins with one, can also mean the whole string.

type prefix string

func (t prefix) passes(v *value) bool {
	return v.kind == stringValue && len(v.text) >= len(t) && string(v.text[:len(t)]) == string(t)
}

func prefixed(text string) []test {
	tests := []test{prefix(text)}
	if whole, ok := strings.CutSuffix(text, `"`); ok {
		tests = append(tests, exactly(whole))
	}
	return tests
}

type suffix string

func (t suffix) passes(v *value) bool {
	return v.kind == stringValue && len(v.text) >= len(t) && string(v.text[len(v.text)-len(t):]) == string(t)
}

func suffixed(text string) []test {
	tests := []test{suffix(text)}
	if whole, ok := strings.CutPrefix(text, `"`); ok {
		tests = append(tests, exactly(whole))
	}
	return tests
}

// folded is a text with, for each of its characters, the two ways it may appear: in
// lower and in upper case, by Unicode's full mappings ("ß" is "ß" or "SS"). Only the
// pattern's characters are mapped, as the Event Ruler does: pattern "k" does not pass
// the Kelvin sign.
type folded [][2]string

func fold(text string) folded {
	lower, upper := cases.Lower(language.Und), cases.Upper(language.Und)
	f := make(folded, 0, len(text))
	for _, r := range text {
		f = append(f, [2]string{lower.String(string(r)), upper.String(string(r))})
	}
	return f
}

// cutPrefix removes the folded text from the front. No two ways of one character begin
// or end alike, so the first that fits is the only one.
func (f folded) cutPrefix(text []byte) ([]byte, bool) {
	for _, ways := range f {
		switch {
		case len(text) >= len(ways[0]) && string(text[:len(ways[0])]) == ways[0]:
			text = text[len(ways[0]):]
		case len(text) >= len(ways[1]) && string(text[:len(ways[1])]) == ways[1]:
			text = text[len(ways[1]):]
		default:
			return nil, false
		}
	}
	return text, true
}

func (f folded) endOf(text []byte) bool {
	for i := len(f) - 1; i >= 0; i-- {
		rest, ok := bytes.CutSuffix(text, []byte(f[i][0]))
		if !ok {
			rest, ok = bytes.CutSuffix(text, []byte(f[i][1]))
		}
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

type equalFold folded

func (t equalFold) passes(v *value) bool {
	if v.kind != stringValue {
		return false
	}
	rest, ok := folded(t).cutPrefix(v.text)
	return ok && len(rest) == 0
}

type prefixFold folded

func (t prefixFold) passes(v *value) bool {
	if v.kind != stringValue {
		return false
	}
	_, ok := folded(t).cutPrefix(v.text)
	return ok
}

func prefixedFold(text string) []test {
	tests := []test{prefixFold(fold(text))}
	if whole, ok := strings.CutSuffix(text, `"`); ok {
		tests = append(tests, equalFold(fold(whole)))
	}
	return tests
}

type suffixFold folded

func (t suffixFold) passes(v *value) bool {
	return v.kind == stringValue && folded(t).endOf(v.text)
}

func suffixedFold(text string) []test {
	tests := []test{suffixFold(fold(text))}
	if whole, ok := strings.CutPrefix(text, `"`); ok {
		tests = append(tests, equalFold(fold(whole)))
	}
	return tests
}

// wildcard is the literal parts between the asterisks, at least one.
type wildcard [][]byte

func parseWildcard(text string) (wildcard, error) {
	parts := wildcard{nil}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "**"):
			return nil, fmt.Errorf("two asterisks in a row at character %d", i+1)
		case c == '*':
			parts = append(parts, nil)
		case c == '\\' && (strings.HasPrefix(text[i+1:], "*") || strings.HasPrefix(text[i+1:], `\`)):
			i++
			fallthrough
		case c != '\\':
			parts[len(parts)-1] = append(parts[len(parts)-1], text[i])
		default:
			return nil, errors.New(`a backslash must be followed by * or \ (in JSON "\\*" or "\\\\")`)
		}
	}
	return parts, nil
}

func (t wildcard) passes(v *value) bool {
	if v.kind != stringValue {
		return false
	}
	last := len(t) - 1
	if last == 0 {
		return bytes.Equal(v.text, t[0])
	}
	rest, ok := bytes.CutPrefix(v.text, t[0])
	if !ok {
		return false
	}
	for _, part := range t[1:last] {
		i := bytes.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return bytes.HasSuffix(rest, t[last])
}
