package lambda

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// faults gathers everything that is wrong with a request. AWS has two kinds: a member
// that breaks a constraint of its shape (ValidationException, counted in the text), and
// one that is well-formed and still can't be (InvalidParameterValueException).
type faults struct {
	broken  []string
	refused []string
}

// refuse notes a member that is well-formed and can't be taken.
func (f *faults) refuse(format string, args ...any) {
	f.refused = append(f.refused, fmt.Sprintf(format, args...))
}

// breaks notes a value outside the constraint of its shape.
func (f *faults) breaks(field string, value any, rule string) {
	f.broken = append(f.broken, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s",
		shorten(fmt.Sprint(value)), field, rule))
}

// missing notes a required member that is not there.
func (f *faults) missing(field string) {
	f.broken = append(f.broken,
		fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", field))
}

func (f *faults) err() error {
	switch {
	case len(f.broken) == 1:
		return &apiError{exception: "ValidationException", message: "1 validation error detected: " + f.broken[0]}
	case len(f.broken) > 1:
		return &apiError{exception: "ValidationException",
			message: fmt.Sprintf("%d validation errors detected: %s", len(f.broken), strings.Join(f.broken, "; "))}
	case len(f.refused) > 0:
		return &apiError{exception: "InvalidParameterValueException", message: sentences(f.refused)}
	}
	return nil
}

// sentences joins texts of which some end with a full stop: AWS's own do, and alone they
// stay as they are.
func sentences(texts []string) string {
	last := len(texts) - 1
	var b strings.Builder
	for _, text := range texts[:last] {
		b.WriteString(strings.TrimSuffix(text, ".") + "; ")
	}
	return b.String() + texts[last]
}

// rule says what constraint a text breaks, or "".
type rule func(text string) string

// text holds a string to its rules; nil passes.
func (f *faults) text(field string, value *string, rules ...rule) {
	if value == nil {
		return
	}
	for _, r := range rules {
		if broken := r(*value); broken != "" {
			f.breaks(field, *value, broken)
		}
	}
}

// number holds an integer to a range; nil passes.
func (f *faults) number(field string, value *int, low, high int) {
	switch {
	case value == nil:
	case *value < low:
		f.breaks(field, *value, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *value > high:
		f.breaks(field, *value, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

// count holds the size of a list or map to a range.
func (f *faults) count(field string, value any, n, low, high int) {
	switch {
	case n < low:
		f.breaks(field, value, fmt.Sprintf("Member must have length greater than or equal to %d", low))
	case n > high:
		f.breaks(field, value, fmt.Sprintf("Member must have length less than or equal to %d", high))
	}
}

func length(low, high int) rule {
	return func(text string) string {
		switch n := utf8.RuneCountInString(text); {
		case n < low:
			return fmt.Sprintf("Member must have length greater than or equal to %d", low)
		case n > high:
			return fmt.Sprintf("Member must have length less than or equal to %d", high)
		}
		return ""
	}
}

func pattern(p *regexp.Regexp) rule {
	return func(text string) string {
		if p.MatchString(text) {
			return ""
		}
		shown := strings.TrimSuffix(strings.TrimPrefix(p.String(), "^(?:"), ")$")
		return "Member must satisfy regular expression pattern: " + shown
	}
}

func oneOf(values ...string) rule {
	return func(text string) string {
		if slices.Contains(values, text) {
			return ""
		}
		return "Member must satisfy enum value set: [" + strings.Join(values, ", ") + "]"
	}
}

// whole makes a pattern of AWS's models match whole texts only, as AWS reads it.
func whole(p string) *regexp.Regexp { return regexp.MustCompile("^(?:" + p + ")$") }

// shorten keeps an error readable when the value at fault is a document.
func shorten(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
