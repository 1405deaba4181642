package output

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gantry/record"
)

// Read takes an answer apart. topic takes the values that name none; "" = none does. The
// records of a topic are in the order of the answer.
func Read(answer []byte, topic string) ([]record.Output, error) {
	found, err := read(answer, topic)
	if len(found) == 0 {
		return nil, err
	}
	out := make([]record.Output, len(found))
	for i := range found {
		out[i] = found[i].Output
	}
	return out, err
}

// found is a record and where in the answer it stands.
type found struct {
	record.Output
	at    int  // its index in the list
	value bool // in the form without topics; at is -1 where the answer is no list
}

func (f *found) place() string {
	switch {
	case !f.value:
		return place(f.Topic, f.at)
	case f.at < 0:
		return "the answer"
	}
	return fmt.Sprintf("the answer[%d]", f.at)
}

func read(answer []byte, topic string) ([]found, error) {
	answer = bytes.TrimSpace(answer)
	switch {
	case empty(answer):
		return nil, nil
	case answer[0] == '{':
		members, err := object(answer)
		if err != nil {
			return nil, &Fault{"the answer", err}
		}
		if records, ok := members["records"]; ok {
			return readRecords(records)
		}
		if _, ok := members["batchItemFailures"]; ok {
			return nil, nil
		}
	}
	return readValues(answer, topic)
}

func empty(value []byte) bool { return len(value) == 0 || string(value) == "null" }

// object reads the members of an object and leaves each as it is.
func object(text []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(text, &members)
	return members, err
}

// readValues makes each value a record of the topic: the JSON text is the value.
func readValues(answer []byte, topic string) ([]found, error) {
	values, list := []json.RawMessage{answer}, answer[0] == '['
	if list {
		values = nil
		if err := json.Unmarshal(answer, &values); err != nil {
			return nil, &Fault{"the answer", err}
		}
	} else if !json.Valid(answer) {
		return nil, &Fault{"the answer", errors.New("it is no JSON")}
	}
	var out []found
	for i, v := range values {
		if !list {
			i = -1
		}
		if !empty(v) {
			out = append(out, found{Output: record.Output{Topic: topic, Partition: record.ByKey, Value: v}, at: i, value: true})
		}
	}
	if len(out) > 0 && topic == "" {
		return nil, &Fault{"the answer", errors.New(`it names no topic, and the mapping's output has none for such values; want {"records": {"TOPIC": […]}}`)}
	}
	return out, nil
}

// one is a record as an answer writes it, in the members of the event's records.
type one struct {
	Key       *string         `json:"key"`
	Value     *string         `json:"value"`
	Headers   json.RawMessage `json:"headers"`
	Partition *int32          `json:"partition"`
}

// readRecords reads the form that mirrors the event.
func readRecords(text []byte) ([]found, error) {
	if empty(text) {
		return nil, nil
	}
	topics, err := object(text)
	if err != nil {
		return nil, &Fault{"records", fmt.Errorf("want an object of topics, each with a list of records: %w", err)}
	}
	var out []found
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		var list []json.RawMessage
		if err := json.Unmarshal(topics[topic], &list); err != nil {
			return nil, &Fault{place(topic, -1), fmt.Errorf("want a list of records: %w", err)}
		}
		for i, text := range list {
			o, err := readRecord(text)
			if err != nil {
				return nil, &Fault{place(topic, i), err}
			}
			o.Topic = topic
			out = append(out, found{Output: o, at: i})
		}
	}
	return out, nil
}

// place names a record of the records form; -1 is the list as a whole.
func place(topic string, i int) string {
	if i < 0 {
		return "records." + topic
	}
	return fmt.Sprintf("records.%s[%d]", topic, i)
}

func readRecord(text []byte) (record.Output, error) {
	var r one
	if len(text) == 0 || text[0] != '{' {
		return record.Output{}, errors.New(`want an object {"key", "value", "headers", "partition"}`)
	}
	known := json.NewDecoder(bytes.NewReader(text))
	known.DisallowUnknownFields()
	if err := known.Decode(&r); err != nil {
		return record.Output{}, err
	}
	o := record.Output{Partition: record.ByKey}
	var bad [3]error
	o.Key, bad[0] = binary("key", r.Key)
	o.Value, bad[1] = binary("value", r.Value)
	o.Headers, bad[2] = headers(r.Headers)
	if r.Partition != nil {
		if o.Partition = *r.Partition; o.Partition < 0 {
			return o, fmt.Errorf("partition %d is negative", o.Partition)
		}
	}
	return o, errors.Join(bad[:]...)
}

// binary decodes base64; nothing is Kafka's null, an empty text is empty bytes.
func binary(name string, text *string) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(*text))
	if err != nil {
		return nil, fmt.Errorf("%s is no base64: %w", name, err)
	}
	return b, nil
}

// headers reads the event's form: a list of objects with one member each, its value a list
// of bytes, which AWS writes signed.
func headers(text []byte) ([]record.Header, error) {
	if empty(text) {
		return nil, nil
	}
	var list []map[string][]int16
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("headers: want [{\"NAME\": [bytes]}, …] as in the event: %w", err)
	}
	var out []record.Header
	for i, h := range list {
		if len(h) != 1 {
			return nil, fmt.Errorf("headers[%d] has %d members, want one: {\"NAME\": [bytes]}", i, len(h))
		}
		for name, numbers := range h {
			value, err := fromNumbers(numbers)
			if err != nil {
				return nil, fmt.Errorf("headers[%d].%s: %w", i, name, err)
			}
			out = append(out, record.Header{Key: name, Value: value})
		}
	}
	return out, nil
}

// fromNumbers takes bytes as signed numbers, as the event has them, or unsigned ones.
func fromNumbers(numbers []int16) ([]byte, error) {
	if numbers == nil {
		return nil, nil
	}
	value := make([]byte, len(numbers))
	for i, n := range numbers {
		if n < -128 || n > 255 {
			return nil, fmt.Errorf("%d is no byte", n)
		}
		value[i] = byte(n)
	}
	return value, nil
}
