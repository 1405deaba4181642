package clientfile

import (
	"errors"
	"fmt"
	"strings"
)

// Login is one login module of a JAAS configuration with its options.
type Login struct {
	Module  string
	Flag    string // required, requisite, sufficient, optional
	Options map[string]string
}

// ParseJAAS reads the value of sasl.jaas.config: MODULE FLAG (KEY=VALUE)*; as often as
// there are modules. Words are cut as Kafka's client does it, which takes Java's
// StreamTokenizer: numbers are no values, / begins a comment unless it is quoted.
func ParseJAAS(text string) ([]Login, error) {
	t := &tokens{text: []rune(text)}
	var logins []Login
	for t.next(); t.kind != end; t.next() {
		login, err := t.login()
		if err != nil {
			return nil, fmt.Errorf("login module %d: %w", len(logins)+1, err)
		}
		logins = append(logins, login)
	}
	if len(logins) == 0 {
		return nil, errors.New("it names no login module; want MODULE required KEY=\"VALUE\";")
	}
	return logins, nil
}

// login reads one module up to its semicolon; its name is the current word.
func (t *tokens) login() (Login, error) {
	l := Login{Module: t.word, Options: map[string]string{}}
	if t.kind != word {
		return l, errors.New("want the name of a class first")
	}
	t.next()
	l.Flag = strings.ToLower(t.word)
	switch {
	case t.kind != word:
		return l, errors.New("there is no control flag behind the class; write required")
	case l.Flag != "required" && l.Flag != "requisite" && l.Flag != "sufficient" && l.Flag != "optional":
		return l, errors.New("the control flag behind the class is not known; write required")
	}
	for t.next(); t.kind != ';'; t.next() {
		if t.kind != word {
			return l, errors.New("it does not end with a semicolon, or has something that is no KEY=VALUE")
		}
		key := t.word
		if t.next(); t.kind != '=' {
			return l, fmt.Errorf("want = and a value behind option %d", len(l.Options)+1)
		}
		if t.next(); t.kind != word {
			return l, fmt.Errorf("option %d has no value that can be read; put it in double quotes", len(l.Options)+1)
		}
		l.Options[key] = t.word
	}
	return l, nil
}

// The kinds of token that are no single character.
const (
	end    = -1
	word   = -2
	number = -3
)

// tokens is java.io.StreamTokenizer, set up as org.apache.kafka.common.security.JaasConfig
// sets it up.
type tokens struct {
	text []rune
	at   int

	kind rune // end, word (quoted ones too), number, or the character itself
	word string
}

func (t *tokens) peek(ahead int) rune {
	if t.at+ahead < len(t.text) {
		return t.text[t.at+ahead]
	}
	return end
}

func (t *tokens) next() {
	t.word = ""
	t.skip()
	switch r := t.peek(0); {
	case r == end:
		t.kind = end
	case digit(r) || r == '.' || r == '-':
		t.number()
	case letter(r):
		begin := t.at
		for letter(t.peek(0)) || digit(t.peek(0)) || t.peek(0) == '.' {
			t.at++
		}
		t.kind, t.word = word, string(t.text[begin:t.at])
	case r == '"' || r == '\'':
		t.at++
		t.kind, t.word = word, t.quoted(r)
	default:
		t.at++
		t.kind = r
	}
}

// skip passes blanks and comments. A slash that begins neither form of comment begins
// one all the same: it is a comment character by default.
func (t *tokens) skip() {
	for {
		switch r := t.peek(0); {
		case r >= 0 && r <= ' ':
			t.at++
		case r == '/' && t.peek(1) == '*':
			for t.at += 2; t.peek(0) != end && (t.peek(0) != '*' || t.peek(1) != '/'); t.at++ {
			}
			t.at = min(t.at+2, len(t.text))
		case r == '/':
			for t.peek(0) != end && t.peek(0) != '\n' && t.peek(0) != '\r' {
				t.at++
			}
		default:
			return
		}
	}
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func letter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '$' || r >= 128+32
}

// number passes a number; a minus sign alone is a character.
func (t *tokens) number() {
	if t.peek(0) == '-' {
		t.at++
		if r := t.peek(0); r != '.' && !digit(r) {
			t.kind = '-'
			return
		}
	}
	digits, point := 0, false
	for ; digit(t.peek(0)) || (t.peek(0) == '.' && !point); t.at++ {
		if t.peek(0) == '.' {
			point = true
		} else {
			digits++
		}
	}
	if t.kind = number; digits == 0 {
		t.kind = '.'
	}
}

// quoted reads up to the closing quote or the end of the line, whichever is first.
func (t *tokens) quoted(quote rune) string {
	var b strings.Builder
	for {
		r := t.peek(0)
		if r == end || r == '\n' || r == '\r' {
			return b.String()
		}
		t.at++
		switch {
		case r == quote:
			return b.String()
		case r == '\\' && t.peek(0) != end:
			b.WriteRune(t.escape())
		default:
			b.WriteRune(r)
		}
	}
}

func (t *tokens) escape() rune {
	r := t.peek(0)
	t.at++
	if r < '0' || r > '7' {
		if at := strings.IndexRune("abfnrtv", r); at >= 0 {
			return rune("\a\b\f\n\r\t\v"[at])
		}
		return r
	}
	value, most := r-'0', 2
	if r > '3' {
		most = 1
	}
	for ; most > 0 && t.peek(0) >= '0' && t.peek(0) <= '7'; most-- {
		value = value<<3 + t.peek(0) - '0'
		t.at++
	}
	return value
}
