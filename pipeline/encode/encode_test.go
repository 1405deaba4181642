package encode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"gantry/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var selfManaged = Envelope{EventSource: "SelfManagedKafka", Bootstrap: "broker1.example:9092,broker2.example:9092"}

func orders(n int32) record.Lane { return record.Lane{Topic: "orders", Partition: n} }

func TestEventIsTheOneAWSSends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		envelope Envelope
		batch    record.Batch
	}{
		"documented-sample": {selfManaged, record.Batch{Parts: []record.Part{{Lane: orders(0), Records: []record.Record{
			{Offset: 15, Timestamp: 1767225600123, Key: []byte("order-42"), Value: []byte(`{"id":42}`),
				Headers: []record.Header{{Key: "trace", Value: []byte{104, 105, 255}}}},
		}}}}},
		"msk-two-partitions": {Envelope{EventSource: "aws:kafka", EventSourceARN: "arn:aws:kafka:eu-west-1:123456789012:cluster/c/uuid", Bootstrap: "b:9098"},
			record.Batch{Parts: []record.Part{
				{Lane: orders(11), Records: []record.Record{{Offset: 1, Timestamp: -1}, {Offset: 9, Timestamp: 5, LogAppend: true, Key: []byte{}, Value: []byte{}}}},
				{Lane: orders(2), Records: []record.Record{{Offset: 0, Headers: []record.Header{{Key: "a", Value: nil}, {Key: "a", Value: []byte{}}, {Key: "b\"\n\xff", Value: []byte{0, 127, 128}}}}}},
			}}},
		"lanes-of-one-partition": {selfManaged, record.Batch{Parts: []record.Part{
			{Lane: record.Lane{Topic: "orders", Partition: 1, Slot: 3}, Records: []record.Record{{Offset: 4}}},
			{Lane: record.Lane{Topic: "orders", Partition: 0, Slot: 1}, Records: []record.Record{{Offset: 7}}},
			{Lane: record.Lane{Topic: "orders", Partition: 1, Slot: 0}, Records: []record.Record{{Offset: 5}}},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := New(c.envelope).Append(nil, &c.batch)
			golden(t, name+".json", got)
		})
	}
}

// golden compares an event with a golden file, which holds it indented.
func golden(t *testing.T, name string, event []byte) {
	t.Helper()
	var indented, compact bytes.Buffer
	require.NoError(t, json.Indent(&indented, event, "", "  "), "%s", event)
	indented.WriteByte('\n')
	require.NoError(t, json.Compact(&compact, event))
	require.Equal(t, compact.String(), string(event), "an event holds no white space")
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, indented.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), indented.String())
}

func TestSizeIsArithmetic(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		enc := New(Envelope{EventSource: "SelfManagedKafka", EventSourceARN: text(r, 3), Bootstrap: text(r, 40)})
		if seed%3 == 0 {
			enc = New(selfManaged, schemaID{})
		}
		b := batch(r)
		event := enc.Append(nil, &b)
		require.True(t, json.Valid(event), "seed %d: %s", seed, event)
		require.Equal(t, len(event), enc.BatchSize(&b), "seed %d", seed)
		require.Equal(t, len(event), addedUp(enc, &b), "seed %d", seed)
	}
}

// addedUp is the sum a batcher keeps, record by record.
func addedUp(enc *Encoder, b *record.Batch) int {
	n := enc.Base()
	seen := map[record.Partition]bool{}
	for _, part := range b.Parts {
		p := part.Lane.Of()
		for i := range part.Records {
			if seen[p] {
				n++
			} else {
				n += enc.PartOverhead(p, len(seen) == 0)
				seen[p] = true
			}
			n += enc.Size(&part.Records[i], p)
		}
	}
	return n
}

func TestEventSurvivesAWSsReader(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		b := batch(rand.New(rand.NewPCG(seed, 11)))
		var event events.KafkaEvent
		require.NoError(t, json.Unmarshal(New(selfManaged).Append(nil, &b), &event))
		read := 0
		for _, part := range b.Parts {
			p := part.Lane.Of()
			list := event.Records[valid(p.Topic)+fmt.Sprint("-", p.Index)]
			read += len(part.Records)
			for i := range part.Records {
				requireSame(t, &part.Records[i], p, find(t, list, part.Records[i].Offset))
			}
		}
		got := 0
		for _, list := range event.Records {
			got += len(list)
		}
		require.Equal(t, read, got, "seed %d", seed)
	}
}

func find(t *testing.T, list []events.KafkaRecord, offset int64) *events.KafkaRecord {
	t.Helper()
	for i := range list {
		if list[i].Offset == offset {
			return &list[i]
		}
	}
	t.Fatalf("offset %d is not in the event", offset)
	return nil
}

func requireSame(t *testing.T, want *record.Record, p record.Partition, got *events.KafkaRecord) {
	t.Helper()
	require.Equal(t, valid(p.Topic), got.Topic)
	require.EqualValues(t, p.Index, got.Partition)
	require.Equal(t, want.Timestamp, got.Timestamp.UnixMilli())
	require.Equal(t, map[bool]string{false: "CREATE_TIME", true: "LOG_APPEND_TIME"}[want.LogAppend], got.TimestampType)
	require.Equal(t, base64.StdEncoding.EncodeToString(want.Key), got.Key)
	require.Equal(t, base64.StdEncoding.EncodeToString(want.Value), got.Value)
	require.Len(t, got.Headers, len(want.Headers))
	for i, h := range want.Headers {
		require.Len(t, got.Headers[i], 1)
		value, ok := got.Headers[i][valid(h.Key)]
		require.True(t, ok, "header %q", h.Key)
		require.True(t, bytes.Equal(h.Value, value))
	}
}

// valid is what a reader sees of text that is not all UTF-8: one U+FFFD a byte.
func valid(s string) string { return string([]rune(s)) }

func TestTextIsEscapedAsTheStandardLibraryDoes(t *testing.T) {
	t.Parallel()
	check := func(s string) {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(s))
		got := appendText(nil, s)
		require.Equal(t, strings.TrimSuffix(want.String(), "\n"), string(got))
		require.Equal(t, len(got), textSize(s))
	}
	for r := range rune(0x3000) {
		check(string(r))
	}
	for b := range 256 {
		check(string([]byte{'a', byte(b), 'z'}))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		check(text(r, r.IntN(30)))
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for p := int64(1); p > 0 && p <= 1e18; p *= 10 {
		for _, n := range []int64{p - 1, p, p + 1, -p + 1, -p, -p - 1} {
			require.Equal(t, len(fmt.Sprint(n)), digits(n), "%d", n)
		}
	}
	for _, n := range []int64{math.MinInt64, math.MaxInt64} {
		require.Equal(t, len(fmt.Sprint(n)), digits(n), "%d", n)
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	b := uniform(1000, 100)
	enc := New(selfManaged)
	buffer := enc.Append(nil, &b)
	require.Zero(t, testing.AllocsPerRun(20, func() { buffer = enc.Append(buffer[:0], &b) }))
	require.Zero(t, testing.AllocsPerRun(20, func() { enc.BatchSize(&b) }))
	p := b.Parts[0].Lane.Of()
	require.Zero(t, testing.AllocsPerRun(20, func() { enc.Size(&b.Parts[0].Records[0], p) }))
}

func TestAWrongNotedSizeDoesNotSpoilTheEvent(t *testing.T) {
	t.Parallel()
	b := uniform(50, 300)
	want := string(New(selfManaged).Append(nil, &b))
	for i := range b.Parts[0].Records {
		b.Parts[0].Records[i].Size = 1
	}
	require.Equal(t, want, string(New(selfManaged).Append(nil, &b)))
}

// schemaID stands for the metadata of a schema registry.
type schemaID struct{}

func (schemaID) Size(r *record.Record, _ record.Partition) int {
	if r.Key == nil {
		return 0
	}
	return len(`,"schemaId":"7"`)
}

func (s schemaID) Append(dst []byte, r *record.Record, p record.Partition) []byte {
	if s.Size(r, p) == 0 {
		return dst
	}
	return append(dst, `,"schemaId":"7"`...)
}
