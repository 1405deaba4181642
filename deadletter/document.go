package deadletter

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/record"
)

// document is AWS's record in each of its shapes: on a topic the payload is an event with
// one record, in S3 the text of an event, in SQS and SNS there is none.
type document struct {
	RequestContext *struct {
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Count       int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *struct {
		FunctionError string `json:"functionError"`
	} `json:"responseContext"`
	Timestamp time.Time       `json:"timestamp"`
	Batch     *batchInfo      `json:"KafkaBatchInfo"`
	Payload   json.RawMessage `json:"payload"`
}

type batchInfo struct {
	BatchSize   int `json:"batchSize"`
	RecordsInfo map[string]struct {
		First string `json:"firstRecordOffset"`
		Last  string `json:"lastRecordOffset"`
	} `json:"recordsInfo"`
}

// event is what a function is invoked with, as far as records are in it.
type event struct {
	Records map[string][]eventRecord `json:"records"`
}

type eventRecord struct {
	Topic     string              `json:"topic"`
	Partition int32               `json:"partition"`
	Offset    int64               `json:"offset"`
	Timestamp int64               `json:"timestamp"`
	Type      string              `json:"timestampType"`
	Key       *string             `json:"key"`
	Value     *string             `json:"value"`
	Headers   []map[string][]int8 `json:"headers"`
}

// envelope is what SNS makes of a message for SQS, unless the subscription has raw message
// delivery.
type envelope struct {
	Type              string
	Message           string
	MessageAttributes map[string]struct{ Value string }
}

// wrapped are the attributes of a message that came through SNS.
func wrapped(text []byte) map[string]string {
	var e envelope
	out := map[string]string{}
	if json.Unmarshal(text, &e) == nil {
		for name, value := range e.MessageAttributes {
			out[name] = value.Value
		}
	}
	return out
}

// read makes a letter of a document; false: it is none.
func read(text []byte) (Letter, bool) {
	var e envelope
	if json.Unmarshal(text, &e) == nil && e.Type == "Notification" {
		text = []byte(e.Message)
	}
	var d document
	if json.Unmarshal(text, &d) != nil || d.RequestContext == nil || d.Batch == nil {
		return Letter{}, false
	}
	l := Letter{
		At: d.Timestamp, Function: unqualified(d.RequestContext.FunctionARN), Condition: d.RequestContext.Condition,
		Attempts: d.RequestContext.Count, Count: d.Batch.BatchSize, Bytes: len(text),
	}
	if d.ResponseContext != nil {
		l.Error = d.ResponseContext.FunctionError
	}
	l.Records = d.records()
	l.spans(d.Batch)
	return l, len(l.Spans) > 0 || len(l.Records) > 0
}

func (d *document) records() []Record {
	body := []byte(d.Payload)
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	var e event
	if len(body) == 0 || json.Unmarshal(body, &e) != nil {
		return nil
	}
	var out []Record
	for _, key := range slices.Sorted(maps.Keys(e.Records)) {
		for _, r := range e.Records[key] {
			out = append(out, r.record())
		}
	}
	slices.SortStableFunc(out, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.At.Topic, b.At.Topic), cmp.Compare(a.At.Partition, b.At.Partition), cmp.Compare(a.At.Offset, b.At.Offset))
	})
	return out
}

func (r *eventRecord) record() Record {
	out := Record{At: record.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}}
	out.Record = record.Record{
		Offset: r.Offset, Timestamp: r.Timestamp, LogAppend: r.Type == "LOG_APPEND_TIME", Key: bytesOf(r.Key), Value: bytesOf(r.Value),
	}
	for _, h := range r.Headers {
		for name, numbers := range h {
			value := make([]byte, len(numbers))
			for i, n := range numbers {
				value[i] = byte(n)
			}
			out.Headers = append(out.Headers, record.Header{Key: name, Value: value})
		}
	}
	return out
}

// bytesOf reads base64; a missing member is Kafka's null.
func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return []byte(*text)
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// spans says where the records were: by the records themselves, else by what the document
// tells of each partition.
func (l *Letter) spans(b *batchInfo) {
	if len(l.Records) > 0 {
		l.Count, l.Exact, l.Spans = len(l.Records), true, spansOf(l.Records)
		return
	}
	var n int64
	for _, key := range slices.Sorted(maps.Keys(b.RecordsInfo)) {
		topic, partition, ok := partitionOf(key)
		first, bad := strconv.ParseInt(b.RecordsInfo[key].First, 10, 64)
		last, worse := strconv.ParseInt(b.RecordsInfo[key].Last, 10, 64)
		if !ok || bad != nil || worse != nil || first < 0 || last < first {
			continue
		}
		l.Spans = append(l.Spans, Span{topic, partition, first, last})
		n += last - first + 1
	}
	l.Exact = n == int64(l.Count)
}

func spansOf(records []Record) []Span {
	var out []Span
	for _, r := range records {
		if n := len(out); n > 0 && out[n-1].Topic == r.At.Topic && out[n-1].Partition == r.At.Partition && out[n-1].Last == r.At.Offset-1 {
			out[n-1].Last++
			continue
		}
		out = append(out, Span{r.At.Topic, r.At.Partition, r.At.Offset, r.At.Offset})
	}
	return out
}

// exactly replaces the spans of a letter of one partition by the offsets gantry wrote
// beside the document: 5,9-12.
func (l *Letter) exactly(runs string) {
	if runs == "" || len(l.Spans) == 0 || len(l.Records) > 0 {
		return
	}
	at, n := l.Spans[0], int64(0)
	var out []Span
	for word := range strings.SplitSeq(runs, ",") {
		first, last, isRun := strings.Cut(word, "-")
		a, err := strconv.ParseInt(first, 10, 64)
		b := a
		if isRun && err == nil {
			b, err = strconv.ParseInt(last, 10, 64)
		}
		if err != nil || b < a {
			return
		}
		out = append(out, Span{at.Topic, at.Partition, a, b})
		n += b - a + 1
	}
	l.Spans, l.Count, l.Exact = out, int(n), true
}

// partitionOf reads orders-0.
func partitionOf(key string) (topic string, partition int32, ok bool) {
	at := strings.LastIndexByte(key, '-')
	n, err := strconv.ParseInt(key[at+1:], 10, 32)
	return key[:max(at, 0)], int32(n), err == nil && at > 0 && n >= 0
}
