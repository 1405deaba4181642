package sink

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// fast reads an event in the one form that gantry itself writes (package pipeline/encode):
// no blanks, members in their order, no escapes. It says false at anything else, which
// Decode then reads as the JSON it is. It is four times as fast, and keys and values share
// one piece of memory.
func fast(payload []byte) ([]Record, bool) {
	_, rest, ok := bytes.Cut(payload, []byte(`,"records":{`))
	if !ok || !plainHead(payload[:len(payload)-len(rest)]) {
		return nil, false
	}
	f := &fastReader{b: rest, room: make([]byte, 0, len(rest)/4*3)}
	f.out = make([]Record, 0, len(rest)/200)
	var parts []fastPart
	for more := true; more; {
		name, ok := f.text(`"`)
		if !ok || !f.skip(`:[`) {
			return nil, false
		}
		from := len(f.out)
		if !f.records() {
			return nil, false
		}
		parts = append(parts, fastPart{name, f.out[from:len(f.out):len(f.out)]})
		more = f.skip(`,`)
	}
	if string(f.b) != `}}` {
		return nil, false
	}
	return inOrder(parts, f.out)
}

// plainHead says that what stands before the records is three or fewer texts.
func plainHead(head []byte) bool {
	f := &fastReader{b: head}
	if !f.skip(`{"eventSource":`) {
		return false
	}
	if _, ok := f.text(`"`); !ok {
		return false
	}
	for _, name := range []string{`,"eventSourceArn":`, `,"bootstrapServers":`} {
		if f.skip(name) {
			if _, ok := f.text(`"`); !ok {
				return false
			}
		}
	}
	return string(f.b) == `,"records":{`
}

type fastPart struct {
	name    string
	records []Record
}

// inOrder puts the partitions in the order of their names, as Decode promises.
func inOrder(parts []fastPart, all []Record) ([]Record, bool) {
	byName := func(a, b fastPart) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(parts, byName) {
		for i := range parts[1:] {
			if parts[i].name == parts[i+1].name { // JSON takes the last
				return nil, false
			}
		}
		return all, true
	}
	slices.SortFunc(parts, byName)
	sorted := make([]Record, 0, len(all))
	for i, p := range parts {
		if i > 0 && parts[i-1].name == p.name {
			return nil, false
		}
		sorted = append(sorted, p.records...)
	}
	return sorted, true
}

// fastReader walks over what is left of an event.
type fastReader struct {
	b     []byte
	room  []byte // where keys and values are decoded to
	out   []Record
	topic string
}

func (f *fastReader) skip(text string) bool {
	if len(f.b) < len(text) || string(f.b[:len(text)]) != text {
		return false
	}
	f.b = f.b[len(text):]
	return true
}

// text reads a text behind an opening; one with an escape is none.
func (f *fastReader) text(opening string) (string, bool) {
	span, ok := f.span(opening)
	if !ok || bytes.IndexByte(span, '\\') >= 0 {
		return "", false
	}
	for _, c := range span {
		if c < 0x20 || c >= 0x80 {
			return "", false
		}
	}
	if string(span) == f.topic {
		return f.topic, true
	}
	return string(span), true
}

func (f *fastReader) span(opening string) ([]byte, bool) {
	if !f.skip(opening) {
		return nil, false
	}
	end := bytes.IndexByte(f.b, '"')
	if end < 0 {
		return nil, false
	}
	span := f.b[:end]
	f.b = f.b[end+1:]
	return span, true
}

func (f *fastReader) number(opening string) (n int64, ok bool) {
	if !f.skip(opening) {
		return 0, false
	}
	i := 0
	for ; i < len(f.b) && i < 18 && f.b[i] >= '0' && f.b[i] <= '9'; i++ {
		n = n*10 + int64(f.b[i]-'0')
	}
	if i == 0 || i > 1 && f.b[0] == '0' || i < len(f.b) && f.b[i] != ',' {
		return 0, false
	}
	f.b = f.b[i:]
	return n, true
}

// base64 reads a member that may be missing; nil is Kafka's null.
func (f *fastReader) base64(opening string) (content []byte, ok bool) {
	span, there := f.span(opening)
	if !there {
		return nil, true
	}
	from := len(f.room)
	if from+base64.StdEncoding.DecodedLen(len(span)) > cap(f.room) {
		return nil, false
	}
	for _, c := range span {
		if c == '\n' || c == '\r' { // Go's decoder passes over them; in JSON they are no text
			return nil, false
		}
	}
	to, err := base64.StdEncoding.AppendDecode(f.room, span)
	if err != nil {
		return nil, false
	}
	f.room = to
	return to[from:len(to):len(to)], true
}

func (f *fastReader) records() bool {
	for more := true; more; more = f.skip(`,`) {
		if !f.record() {
			return false
		}
	}
	return f.skip(`]`)
}

func (f *fastReader) record() bool {
	var r Record
	var ok [6]bool
	r.Topic, ok[0] = f.text(`{"topic":"`)
	f.topic = r.Topic
	partition, is := f.number(`,"partition":`)
	r.Partition, ok[1] = int32(partition), is && partition < 1<<31 //nolint:gosec // it is checked
	r.Offset, ok[2] = f.number(`,"offset":`)
	at, is := f.number(`,"timestamp":`)
	r.Time, ok[3] = time.UnixMilli(at).UTC(), is
	if !f.skip(`,"timestampType":"CREATE_TIME"`) && !f.skip(`,"timestampType":"LOG_APPEND_TIME"`) {
		return false
	}
	r.Key, ok[4] = f.base64(`,"key":"`)
	r.Value, ok[5] = f.base64(`,"value":"`)
	if ok != [6]bool{true, true, true, true, true, true} || !f.skip(`,"headers":[]}`) {
		return false
	}
	f.out = append(f.out, r)
	return true
}
