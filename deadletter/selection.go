package deadletter

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Selection says which letters are meant; what is zero does not select.
type Selection struct {
	Error     string     `json:"error,omitempty"` // a part of the error, or a regular expression between slashes
	Key       *string    `json:"key,omitempty"`   // of one of the records
	Since     *time.Time `json:"since,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	Condition string     `json:"condition,omitempty"`
	Function  string     `json:"function,omitempty"`  // its name
	Topic     string     `json:"topic,omitempty"`     // of the records
	Partition *int32     `json:"partition,omitempty"` // of the records
	State     string     `json:"state,omitempty"`     // pending, redriven, failed; "" = all
	IDs       []string   `json:"ids,omitempty"`
	All       bool       `json:"all,omitempty"` // letters of other mappings as well; to look only
}

// matcher is a Selection that was read.
type matcher struct {
	Selection
	text *regexp.Regexp
	ids  map[string]bool
}

func (s Selection) matcher() (*matcher, error) {
	m := &matcher{Selection: s}
	pattern := regexp.QuoteMeta(s.Error)
	if len(s.Error) > 2 && strings.HasPrefix(s.Error, "/") && strings.HasSuffix(s.Error, "/") {
		pattern = s.Error[1 : len(s.Error)-1]
	}
	var err error
	if m.text, err = regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("error: %q is no regular expression: %w", pattern, err)
	}
	if !slices.Contains([]string{"", Pending, Redriven, Failed}, s.State) {
		return nil, fmt.Errorf("state: %q is not known; want pending, redriven or failed", s.State)
	}
	if len(s.IDs) > 0 {
		m.ids = map[string]bool{}
		for _, id := range s.IDs {
			m.ids[id] = true
		}
	}
	return m, nil
}

// letter says whether a letter is meant, as far as that can be said without its records.
func (m *matcher) letter(l *Letter) bool {
	switch {
	case m.ids != nil && !m.ids[l.ID],
		m.Error != "" && !m.text.MatchString(l.Error),
		m.Since != nil && l.At.Before(*m.Since),
		m.Until != nil && !l.At.Before(*m.Until),
		m.Condition != "" && m.Condition != l.Condition,
		m.Function != "" && m.Function != l.FunctionName() && m.Function != l.Function:
		return false
	}
	return slices.ContainsFunc(l.Spans, func(s Span) bool {
		return (m.Topic == "" || m.Topic == s.Topic) && (m.Partition == nil || *m.Partition == s.Partition)
	})
}

// record says whether a record of a letter is meant.
func (m *matcher) record(r *Record) bool {
	return (m.Key == nil || r.Key != nil && bytes.Equal(r.Key, []byte(*m.Key))) &&
		(m.Topic == "" || m.Topic == r.At.Topic) && (m.Partition == nil || *m.Partition == r.At.Partition)
}

// whole says whether any record of a letter with records is meant.
func (m *matcher) whole(l *Letter) bool {
	return m.Key == nil || slices.ContainsFunc(l.Records, func(r Record) bool { return m.record(&r) })
}
