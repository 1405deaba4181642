package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/google/uuid"

	"gantry/sink"
)

// entry is one record as a service takes it.
type entry struct {
	index  int          // in the records given to Write
	record *sink.Record // it stands for
	lane   string       // what is kept in order; "" = nothing
	size   int          // bytes, as the service counts them
	body   map[string]any
	answer any    // what the service gave for it; nil = nothing to tell
	batch  int    // how many records it stands for, from record on; 0 = one
	token  string // of these; "" = record's
}

// laneOf is the lane of a record by the setting order.
func laneOf(order string, r *sink.Record) string {
	switch {
	case order == "key" && r.Key != nil:
		return "k" + string(r.Key)
	case order == "partition":
		return "p" + r.Of().String()
	default:
		return "" // also a record without a key: it belongs to nobody
	}
}

// content makes what is sent of a record.
type content struct {
	template   *sink.Template // nil = the value as it is
	tombstones string         // fill, send, skip or refuse
}

func newContent(s sink.Settings) (content, error) {
	c := content{tombstones: s["tombstones"]}
	if s["body"] == "" {
		return c, nil
	}
	t, err := sink.ParseTemplate(s["body"])
	c.template = t
	return c, err
}

// errSkip says that a record is passed over by its owner's choice.
var errSkip = errors.New("skipped")

// of gives the bytes of a record, or errSkip, or a Fault of cause Refused.
func (c content) of(r *sink.Record) ([]byte, error) {
	if r.Value == nil {
		switch c.tombstones {
		case "skip":
			return nil, errSkip
		case "refuse":
			return nil, refused("it has no value, and the setting tombstones refuses that")
		case "send":
			return []byte{}, nil
		}
	}
	if c.template == nil {
		return r.Value, nil
	}
	text, err := c.template.Fill(r)
	return []byte(text), err
}

// message is of for services that take a text.
func (c content) message(r *sink.Record) (string, error) {
	b, err := c.of(r)
	if err != nil {
		return "", err
	}
	if len(b) == 0 {
		return "", refused("it is empty, which the service does not take")
	}
	if !utf8.Valid(b) {
		return "", refused("it is no UTF-8 text, which the service wants; give a body that encodes it")
	}
	for _, r := range string(b) { // W3C XML 1.0, 2.2: what SQS and SNS take
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return "", refused("it holds the character U+%04X, which the service does not take; give a body that encodes it", r)
		}
	}
	return string(b), nil
}

func refused(format string, args ...any) error {
	return &sink.Fault{Cause: sink.Refused, Err: fmt.Errorf(format, args...)}
}

// tokens is the namespace of the tokens that are UUIDs.
var tokens = uuid.MustParse("0f0c8a3c-4c0e-5d0b-9c53-6f2f1d1f7a10")

// uuidToken is sink.Token in the form that fits the most services: a UUID, 36 characters.
func uuidToken(r *sink.Record) string { return uuidOf(sink.Token(r)) }

func uuidOf(text string) string { return uuid.NewSHA1(tokens, []byte(text)).String() }

// fitting is a text where it has the form a service wants, and otherwise 32 hexadecimal
// digits that stand for it.
func fitting(text string, form *regexp.Regexp) string {
	if form.MatchString(text) {
		return text
	}
	return hashed(text)
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
