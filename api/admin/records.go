package admin

import (
	"cmp"
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline/filter"
	"gantry/record"
)

// recordList is records as they stand in the log. Offsets have holes: the first may be
// behind the one that was asked for.
type recordList struct {
	UUID      string       `json:"uuid"`
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Asked     int64        `json:"asked"`
	Masked    bool         `json:"masked"` // masking rules are in force: what they hide is not shown
	Records   []recordView `json:"records"`
}

// recordView is one record. A nil key or value is Kafka's null; the text is there where
// the bytes are UTF-8.
type recordView struct {
	Offset        int64        `json:"offset"`
	Timestamp     time.Time    `json:"timestamp"`
	TimestampType string       `json:"timestampType"` // CREATE_TIME or LOG_APPEND_TIME
	Key           []byte       `json:"key"`
	KeyText       *string      `json:"keyText,omitempty"`
	Value         []byte       `json:"value"`
	ValueText     *string      `json:"valueText,omitempty"`
	Headers       []headerView `json:"headers"`
	Functions     []string     `json:"functions,omitempty"` // of several, those whose filters keep it
}

type headerView struct {
	Key       string  `json:"key"`
	Value     []byte  `json:"value"`
	ValueText *string `json:"valueText,omitempty"`
}

const mostRecords = 100

func (s *Server) showRecords(ctx context.Context, c call[none]) (recordList, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return recordList{}, err
	}
	from, err := readingOf(m, c)
	if err != nil {
		return recordList{}, err
	}
	records, err := s.cfg.Engine.Records(ctx, m, from)
	if err != nil {
		return recordList{}, err
	}
	out := recordList{UUID: m.UUID, Topic: from.Topic, Partition: from.Partition, Asked: from.Offset, Masked: s.cfg.Mask != nil, Records: []recordView{}}
	for i := range records {
		wanting := wantedBy(m, &records[i])
		if s.cfg.Mask != nil {
			s.cfg.Mask(from.Topic, &records[i])
		}
		v := recordOf(&records[i])
		v.Functions = wanting
		out.Records = append(out.Records, v)
	}
	return out, nil
}

// wantedBy names those of several functions whose filters keep a record.
func wantedBy(m mapping.Mapping, r *record.Record) []string {
	if !m.Several() {
		return nil
	}
	var names []string
	for _, c := range m.Functions {
		if keep, err := filter.CompileAll(c.Filters); err == nil && keep.Keep(r) {
			names = append(names, c.Function)
		}
	}
	return names
}

func readingOf(m mapping.Mapping, c call[none]) (kafka.Reading, error) {
	topic, err := m.Source.Topic(c.query.Get("topic"))
	if err != nil {
		return kafka.Reading{}, badInput(err.Error())
	}
	from := kafka.Reading{Topic: topic}
	partition, err := strconv.ParseInt(c.query.Get("partition"), 10, 32)
	if err != nil || partition < 0 {
		return from, badInput("partition: want a number")
	}
	from.Partition = int32(partition)
	if from.Offset, err = strconv.ParseInt(c.query.Get("offset"), 10, 64); err != nil || from.Offset < 0 {
		return from, badInput("offset: want a number")
	}
	if from.Count, err = strconv.Atoi(cmp.Or(c.query.Get("count"), "1")); err != nil || from.Count < 1 || from.Count > mostRecords {
		return from, badInput("count: want 1 to 100")
	}
	return from, nil
}

func recordOf(r *record.Record) recordView {
	v := recordView{
		Offset: r.Offset, Timestamp: time.UnixMilli(r.Timestamp).UTC(), TimestampType: "CREATE_TIME",
		Key: r.Key, KeyText: textOf(r.Key), Value: r.Value, ValueText: textOf(r.Value), Headers: []headerView{},
	}
	if r.LogAppend {
		v.TimestampType = "LOG_APPEND_TIME"
	}
	for _, h := range r.Headers {
		v.Headers = append(v.Headers, headerView{h.Key, h.Value, textOf(h.Value)})
	}
	return v
}

func textOf(b []byte) *string {
	if b == nil || !utf8.Valid(b) {
		return nil
	}
	s := string(b)
	return &s
}
