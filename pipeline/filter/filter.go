// Package filter decides which records a mapping's filters let through: AWS's
// FilterCriteria patterns, with the operators of AWS's Event Ruler.
//
// The flow: Compile reads one pattern, names every fault in it, and turns it into
// alternatives (no $or left), each a list of fields with the tests one of whose
// values must pass. CompileAll joins the patterns of a mapping in a Set. Keep scans
// a record's value once, without building a tree: the scanner checks the whole text
// and notes only the values at paths some pattern names. Then a search looks for an
// alternative whose fields all pass, with values that do not come from different
// elements of the same array.
//
// Invariants: a Set never changes, so any number of goroutines may use it. What a
// pattern cannot be tested on is kept: a filter drops a record only when it has
// read it and found that no pattern matches. A record without a value (a tombstone)
// is kept too: it has no format, and a consumer that misses a deletion keeps what
// should be gone.
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"gantry/mapping"
	"gantry/record"
)

// Reason says why a record was kept or dropped.
type Reason uint8

// The reasons. Only NotMatched drops a record.
const (
	NotMatched     Reason = iota // every pattern was tested and none matches
	Matched                      // a pattern matches
	NoFilters                    // there is nothing to test
	NullValue                    // a tombstone
	NotUTF8                      // the value is no text
	NotJSON                      // a pattern is for JSON objects, the value is no JSON
	NotObject                    // a pattern is for JSON objects, the value is other JSON
	IsJSON                       // a pattern is for plain strings, the value is JSON
	TooDeep                      // nested deeper than the scanner goes
	TooManyChoices               // the arrays of the record leave too many combinations
)

var reasonTexts = [...]string{
	NotMatched:     "no pattern matches",
	Matched:        "a pattern matches",
	NoFilters:      "there are no filters",
	NullValue:      "the record has no value, patterns do not apply",
	NotUTF8:        "value is not UTF-8, the pattern does not apply",
	NotJSON:        "value is not JSON, the pattern does not apply",
	NotObject:      "value is JSON but not an object, the pattern does not apply",
	IsJSON:         "value is JSON, a pattern for plain strings does not apply",
	TooDeep:        "value is nested too deeply to be tested",
	TooManyChoices: "value has too many combinations of array elements to be tested",
}

func (r Reason) String() string { return reasonTexts[r] }

// Kept says whether a record decided for this reason goes on to the function.
func (r Reason) Kept() bool { return r != NotMatched }

// Set holds the patterns of one mapping. A record is kept when one of them keeps it.
type Set struct {
	objects []alternative // of all patterns for JSON objects
	paths   *paths
	plain   [][]test // of each pattern for plain strings
	scans   sync.Pool
}

// CompileAll compiles the patterns of a mapping. The error names every fault of every
// pattern. No pattern at all gives a Set that keeps everything.
func CompileAll(patterns []string) (*Set, error) {
	var faults []error
	if n := len(patterns); n > mapping.MaxFilters {
		faults = append(faults, fmt.Errorf("%d filters, a mapping takes at most %d", n, mapping.MaxFilters))
	}
	compiled := make([]*Pattern, len(patterns))
	for i, text := range patterns {
		p, found := compile(text)
		for _, err := range found {
			faults = append(faults, fmt.Errorf("filter %d: %w", i+1, err))
		}
		compiled[i] = p
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return NewSet(compiled...), nil
}

// NewSet joins patterns that were compiled one by one.
func NewSet(patterns ...*Pattern) *Set {
	s := new(Set)
	for _, p := range patterns {
		s.objects = append(s.objects, p.objects...)
		if p.plain != nil {
			s.plain = append(s.plain, p.plain)
		}
	}
	s.paths = index(s.objects)
	s.scans.New = func() any { return newDocument(s.paths) }
	return s
}

// Keep says whether a record goes on to the function.
func (s *Set) Keep(rec *record.Record) bool { return s.Decide(rec).Kept() }

// Decide says whether a record goes on to the function, and why.
func (s *Set) Decide(rec *record.Record) Reason {
	switch {
	case s == nil || len(s.objects) == 0 && len(s.plain) == 0:
		return NoFilters
	case rec.Value == nil:
		return NullValue
	case !utf8.Valid(rec.Value):
		return NotUTF8
	case len(s.objects) == 0:
		return s.decidePlain(rec.Value)
	default:
		return s.decideObject(rec.Value)
	}
}

func (s *Set) decidePlain(text []byte) Reason {
	if json.Valid(text) {
		return IsJSON
	}
	v := value{kind: stringValue, text: text}
	for _, tests := range s.plain {
		if passesOne(tests, &v) {
			return Matched
		}
	}
	return NotMatched
}

func (s *Set) decideObject(text []byte) Reason {
	doc := s.scans.Get().(*document)
	defer s.scans.Put(doc)
	switch doc.read(text) {
	case noJSON:
		return NotJSON
	case otherJSON:
		return NotObject
	case tooDeep:
		return TooDeep
	}
	if len(s.plain) > 0 {
		return IsJSON
	}
	return doc.search(s.objects)
}
