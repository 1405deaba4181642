package sink

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"gantry/record"
)

// event is AWS's Kafka event (Developer Guide, with-msk: "Example event"). Keys and values
// are base64, which encoding/json reads into []byte; one that is missing or null is nil.
type event struct {
	Source  string `json:"eventSource"`
	Records map[string][]struct {
		Topic     string                   `json:"topic"`
		Partition int32                    `json:"partition"`
		Offset    int64                    `json:"offset"`
		Timestamp int64                    `json:"timestamp"`
		Key       []byte                   `json:"key"`
		Value     []byte                   `json:"value"`
		Headers   []map[string]headerBytes `json:"headers"`
	} `json:"records"`
}

// headerBytes are a header's value: a list of numbers, which some writers give a sign, as
// Java's bytes have.
type headerBytes []byte

// UnmarshalJSON implements json.Unmarshaler.
func (h *headerBytes) UnmarshalJSON(text []byte) error {
	var numbers []int16
	if err := json.Unmarshal(text, &numbers); err != nil {
		return fmt.Errorf("a header's value is a list of bytes: %w", err)
	}
	if numbers == nil {
		return nil
	}
	*h = make([]byte, len(numbers))
	for i, n := range numbers {
		if n < -128 || n > 255 {
			return fmt.Errorf("a header's value holds %d, which is no byte", n)
		}
		(*h)[i] = byte(n)
	}
	return nil
}

// Decode reads AWS's Kafka event: the records of each partition in their order, the
// partitions in the order of their names.
func Decode(payload []byte) ([]Record, error) {
	if records, ok := fast(payload); ok {
		return records, nil
	}
	return slow(payload)
}

// slow reads an event as the JSON it is.
func slow(payload []byte) ([]Record, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("read the event: %w; an integration takes AWS's Kafka event, as a Kafka event source mapping sends it", err)
	}
	if e.Records == nil {
		return nil, fmt.Errorf("read the event: it has no records (eventSource %s); an integration takes AWS's Kafka event, as a Kafka event source mapping sends it",
			strconv.Quote(e.Source))
	}
	count := 0
	for _, part := range e.Records {
		count += len(part)
	}
	out := make([]Record, 0, count)
	for _, name := range slices.Sorted(maps.Keys(e.Records)) {
		for _, r := range e.Records[name] {
			next := Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: time.UnixMilli(r.Timestamp).UTC(), Key: r.Key, Value: r.Value}
			for _, one := range r.Headers {
				for key, value := range one {
					next.Headers = append(next.Headers, record.Header{Key: key, Value: value})
				}
			}
			out = append(out, next)
		}
	}
	return out, nil
}
