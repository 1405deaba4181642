package produce

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"gantry/kafka"
	"gantry/record"
)

// request is what a function sends: {"records": [{"key", "value", "headers", "partition"}]},
// its members as those of the records of an answer that mirrors the event.
type request struct {
	Records []one `json:"records"`
}

// one is a record. key and value are base64; keyText and valueText the same as text, and
// valueJson as the JSON it is. What is missing or null is Kafka's null.
type one struct {
	Key       *string         `json:"key"`
	KeyText   *string         `json:"keyText"`
	Value     *string         `json:"value"`
	ValueText *string         `json:"valueText"`
	ValueJSON json.RawMessage `json:"valueJson"`
	Headers   []header        `json:"headers"`
	Partition *int32          `json:"partition"`
}

// header is {"NAME": [bytes]} as in the event, or {"NAME": "text"}.
type header map[string]json.RawMessage

// read reads a body whole, and names every fault of its records.
func read(body []byte) ([]kafka.Message, error) {
	var in request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf(`the body can't be read: %w; want {"records": [{"key": BASE64, "value": BASE64, "headers": [], "partition": N}]}`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the JSON value")
	}
	if n := len(in.Records); n == 0 || n > MaxRecords {
		return nil, fmt.Errorf("records: has %d, want 1 to %d", n, MaxRecords)
	}
	messages := make([]kafka.Message, len(in.Records))
	var faults []string
	for i := range in.Records {
		for _, fault := range in.Records[i].read(&messages[i]) {
			faults = append(faults, fmt.Sprintf("records[%d].%s", i, fault))
		}
	}
	if len(faults) > 0 {
		const shown = 10
		if more := len(faults) - shown; more > 0 {
			faults = append(faults[:shown], fmt.Sprintf("and %d more", more))
		}
		return nil, errors.New(strings.Join(faults, "; "))
	}
	return messages, nil
}

func (o *one) read(m *kafka.Message) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var err error
	if m.Key, err = data(o.Key, o.KeyText, nil); err != nil {
		fault("key: %v", err)
	}
	if m.Value, err = data(o.Value, o.ValueText, o.ValueJSON); err != nil {
		fault("value: %v", err)
	}
	if o.Partition != nil && *o.Partition < 0 {
		fault("partition: %d is negative; leave it out to have the key choose", *o.Partition)
	}
	m.Partition = o.Partition
	for i, h := range o.Headers {
		if len(h) != 1 {
			fault(`headers[%d]: has %d members, want one: {"NAME": [bytes]} or {"NAME": "text"}`, i, len(h))
			continue
		}
		for name, value := range h {
			b, err := headerValue(value)
			if err != nil {
				fault("headers[%d].%s: %v", i, name, err)
			}
			m.Headers = append(m.Headers, record.Header{Key: name, Value: b})
		}
	}
	return faults
}

// data gives the one of its forms that is there; nil for none.
func data(encoded, text *string, value json.RawMessage) ([]byte, error) {
	if string(value) == "null" {
		value = nil
	}
	given := 0
	for _, is := range []bool{encoded != nil, text != nil, value != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, errors.New("is given in two forms; keep one")
	case encoded != nil:
		b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(*encoded))
		if err != nil {
			return nil, fmt.Errorf("is no base64 (%w); for text use keyText or valueText, for JSON valueJson", err)
		}
		return b, nil
	case text != nil:
		return []byte(*text), nil
	}
	return value, nil
}

func headerValue(text json.RawMessage) ([]byte, error) {
	var word string
	if json.Unmarshal(text, &word) == nil && string(text) != "null" {
		return []byte(word), nil
	}
	var numbers []int16
	if err := json.Unmarshal(text, &numbers); err != nil {
		return nil, errors.New("want text, or a list of bytes as in the event")
	}
	if numbers == nil {
		return nil, nil
	}
	b := make([]byte, len(numbers))
	for i, n := range numbers {
		if n < -128 || n > 255 {
			return nil, fmt.Errorf("%d is no byte", n)
		}
		b[i] = byte(n)
	}
	return b, nil
}
