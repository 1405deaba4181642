package encode

import "unicode/utf8"

const hex = "0123456789abcdef"

// textSize is the size of s as a JSON string, quotes included.
func textSize(s string) int {
	n := len(`""`)
	for i := 0; i < len(s); {
		written, read := char(s[i:])
		n, i = n+written, i+read
	}
	return n
}

// appendText appends s as a JSON string, as encoding/json writes it without its HTML
// escapes: each byte that is not UTF-8 becomes \ufffd.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		written, read := char(s[i:])
		if written != read {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, s[i:])
			start = i + read
		}
		i += read
	}
	return append(append(dst, s[start:]...), '"')
}

// char measures the first character of s: the bytes it takes in JSON and in s. They
// differ exactly where it must be escaped.
func char(s string) (written, read int) {
	b := s[0]
	if b >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			return len(`\u2028`), n
		}
		return n, n
	}
	if b >= ' ' && b != '"' && b != '\\' {
		return 1, 1
	}
	if short(b) != 0 {
		return 2, 1
	}
	return len(`\u0000`), 1
}

// short is the letter of a two-byte escape, 0 where there is none.
func short(b byte) byte {
	switch b {
	case '"', '\\':
		return b
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

// appendEscape appends the escape of the first character of s.
func appendEscape(dst []byte, s string) []byte {
	if letter := short(s[0]); letter != 0 {
		return append(dst, '\\', letter)
	}
	r, _ := utf8.DecodeRuneInString(s) // RuneError is U+FFFD
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
