package output_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
	"gantry/pipeline/output"
	"gantry/record"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// value is an output as a value without a topic of its own gives it.
func value(text string) record.Output {
	return record.Output{Topic: "out", Partition: record.ByKey, Value: []byte(text)}
}

func TestAnswersBecomeRecords(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][]record.Output{
		"": nil, "null": nil, " null ": nil, "[]": nil, "[null, null]": nil,
		`{"batchItemFailures":[]}`: nil, `{"records":null}`: nil, `{"records":{}}`: nil, `{"records":{"a":[]}}`: nil, `{"records":{"a":null}}`: nil,
		`{}`: {value(`{}`)}, `"x"`: {value(`"x"`)}, `17`: {value(`17`)}, `false`: {value(`false`)},
		` {"n": 1} `:       {value(`{"n": 1}`)},
		`[{"n":1},null,2]`: {value(`{"n":1}`), value(`2`)},
		`[[1],[]]`:         {value(`[1]`), value(`[]`)},
		`{"records":{"b":[{"value":"` + b64("two") + `"}],"a":[{"key":"` + b64("k") + `","value":"` + b64("one") + `","partition":3,` +
			`"headers":[{"h":[104,-1,255]},{"h":[]},{"n":null}]},{"key":"` + b64("k") + `"},{"key":"","value":""},{}]}}`: {
			{Topic: "a", Partition: 3, Key: []byte("k"), Value: []byte("one"), Headers: []record.Header{{Key: "h", Value: []byte{104, 255, 255}}, {Key: "h", Value: []byte{}}, {Key: "n"}}},
			{Topic: "a", Partition: record.ByKey, Key: []byte("k")},
			{Topic: "a", Partition: record.ByKey, Key: []byte{}, Value: []byte{}},
			{Topic: "a", Partition: record.ByKey},
			{Topic: "b", Partition: record.ByKey, Value: []byte("two")},
		},
		`{"records":{"a":[{"key":null,"value":null,"headers":null,"partition":null}]},"batchItemFailures":[{"itemIdentifier":{}}]}`: {{Topic: "a", Partition: record.ByKey}},
	} {
		got, err := output.Read([]byte(answer), "out")
		require.NoError(t, err, answer)
		require.Equal(t, want, got, answer)
	}
}

func TestAnswersThatCannotBeWrittenNameThePlace(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`nonsense`: "the answer: it is no JSON", `[1`: "the answer: unexpected end", `{"a"`: "the answer: unexpected end",
		`{"records":[]}`:                                            "records: want an object of topics",
		`{"records":{"a":{}}}`:                                      "records.a: want a list of records",
		`{"records":{"a":[{},{"value":"***"}]}}`:                    "records.a[1]: value is no base64",
		`{"records":{"a":[{"key":7}]}}`:                             "records.a[0]: json: cannot unmarshal number",
		`{"records":{"a":["x"]}}`:                                   `records.a[0]: want an object {"key", "value", "headers", "partition"}`,
		`{"records":{"a":[null]}}`:                                  `records.a[0]: want an object`,
		`{"records":{"a":[{"vlaue":""}]}}`:                          `records.a[0]: json: unknown field "vlaue"`,
		`{"records":{"a":[{"partition":-1}]}}`:                      "records.a[0]: partition -1 is negative",
		`{"records":{"a":[{"partition":1.5}]}}`:                     "records.a[0]: json: cannot unmarshal number 1.5",
		`{"records":{"a":[{"headers":{"h":[1]}}]}}`:                 "records.a[0]: headers: want [{",
		`{"records":{"a":[{"headers":[{"h":[1],"i":[2]}]}]}}`:       "records.a[0]: headers[0] has 2 members",
		`{"records":{"a":[{"headers":[{"h":[256]}]}]}}`:             "records.a[0]: headers[0].h: 256 is no byte",
		`{"records":{"a":[{"key":"*","value":"*","headers":[1]}]}}`: "key is no base64",
	} {
		_, err := output.Read([]byte(answer), "out")
		var fault *output.Fault
		require.ErrorAs(t, err, &fault, answer)
		require.ErrorContains(t, err, want, answer)
		require.ErrorContains(t, err, "the answer can't be written")
	}
	_, err := output.Read([]byte(`{"n":1}`), "")
	require.ErrorContains(t, err, "it names no topic")
	none, err := output.Read([]byte(`[null]`), "")
	require.NoError(t, err)
	require.Empty(t, none)
}

// topics are two partitions of little room each; one is compacted, one is away.
type topics struct{}

func (topics) Takes(_ context.Context, topic string) (output.Takes, error) {
	if topic == "away" {
		return output.Takes{}, errors.New("look at topic away: it is not there")
	}
	return output.Takes{Partitions: 2, Bytes: 1000, Keys: topic == "compacted"}, nil
}

// shout stands in for a schema: it has no word for "no".
type shout struct{}

func (shout) Encode(_ context.Context, _, part string, json []byte) ([]byte, error) {
	if string(json) == "no" {
		return nil, fmt.Errorf("%w: no is no word", output.ErrUnencodable)
	}
	return []byte(part + " " + strings.ToUpper(string(json))), nil
}

func TestRecordsAreHeldAgainstTheMappingAndTheTopics(t *testing.T) {
	t.Parallel()
	s := output.Stage{Output: mapping.Output{Topic: "out", Topics: []string{"compacted", "away"}}, Topics: topics{}}
	records, err := s.Records(t.Context(), []byte(`{"records":{"out":[{"partition":1}],"compacted":[{"key":""}]}}`))
	require.NoError(t, err)
	require.Len(t, records, 2)
	for answer, want := range map[string]string{
		`{"records":{"other":[{}]}}`:                 `records.other[0]: topic "other" is not allowed; the mapping's output has out, compacted, away`,
		`{"records":{"out":[{},{"partition":2}]}}`:   "records.out[1]: partition 2 is not there: topic out has 2",
		`{"records":{"compacted":[{"value":""}]}}`:   "records.compacted[0]: topic compacted is compacted: its records need a key",
		`[null,"` + strings.Repeat("x", 1000) + `"]`: "the answer[1]: its 1098 bytes are more than topic out takes, which are 1000",
	} {
		_, err := s.Records(t.Context(), []byte(answer))
		var fault *output.Fault
		require.ErrorAs(t, err, &fault, answer)
		require.ErrorContains(t, err, want)
	}
	_, err = s.Records(t.Context(), []byte(`{"records":{"away":[{}]}}`))
	var fault *output.Fault
	require.Error(t, err)
	require.NotErrorAs(t, err, &fault, "a topic that is away is not the function's fault")

	s.Encode = shout{}
	records, err = s.Records(t.Context(), []byte(`{"records":{"out":[{"key":"`+b64("a")+`","value":"`+b64("b")+`"},{}]}}`))
	require.NoError(t, err)
	require.Equal(t, "key A", string(records[0].Key))
	require.Equal(t, "value B", string(records[0].Value))
	require.Nil(t, records[1].Value, "null has no schema")
	_, err = s.Records(t.Context(), []byte(`{"records":{"out":[{"value":"`+b64("no")+`"}]}}`))
	require.ErrorAs(t, err, &fault)
	require.ErrorContains(t, err, "records.out[0].value: the value does not fit its schema: no is no word")
}

// FuzzOutput: whatever a function answers, it is either at fault, with a place, or it gives
// records of topics that are named in the answer or of the mapping's own.
func FuzzOutput(f *testing.F) {
	for _, answer := range []string{
		"", "null", "{}", "[]", `"x"`, `[1,null]`, `{"records":{"a":[{"key":"aw==","value":null,"headers":[{"h":[1]}],"partition":0}]}}`,
		`{"records":{"a":[{"headers":[{"h":[-129]}]}]}}`, `{"records":{"":[{}]}}`, `{"records":{"a":[{"value":"a"}]}}`, `{"records":1}`, `{"records":{"a":[{"partition":1e9}]}}`,
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		records, err := output.Read(answer, "out")
		if err != nil {
			var fault *output.Fault
			require.ErrorAs(t, err, &fault)
			require.NotEmpty(t, fault.Place)
			require.Empty(t, records)
			return
		}
		for _, r := range records {
			require.GreaterOrEqual(t, r.Partition, record.ByKey)
			require.Positive(t, output.Size(&r))
		}
	})
}
