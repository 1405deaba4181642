package sink_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/record"
	"gantry/sink"
)

// scripted is a Sink whose writes are told one by one.
type scripted struct {
	script []func(records []sink.Record) (sink.Result, error)
	wrote  []string
}

func (s *scripted) Write(_ context.Context, records []sink.Record) (sink.Result, error) {
	next := s.script[0]
	s.script = s.script[1:]
	result, err := next(records)
	failed := map[int]bool{}
	for _, f := range result.Failed {
		failed[f.Index] = true
	}
	for i := range records {
		if err == nil && !failed[i] {
			s.wrote = append(s.wrote, records[i].Position().String())
		}
	}
	return result, err
}

func (s *scripted) Close() error { return nil }

func event(positions ...record.Position) []byte {
	records := map[string][]map[string]any{}
	for _, p := range positions {
		name := fmt.Sprintf("%s-%d", p.Topic, p.Partition)
		records[name] = append(records[name], map[string]any{"topic": p.Topic, "partition": p.Partition, "offset": p.Offset, "timestamp": 0, "value": []byte("v")})
	}
	body, _ := json.Marshal(map[string]any{"eventSource": "SelfManagedKafka", "records": records})
	return body
}

func at(partition int32, offset int64) record.Position {
	return record.Position{Topic: "t", Partition: partition, Offset: offset}
}

func fault(c sink.Cause) error { return &sink.Fault{Cause: c, Err: errors.New("the service said so")} }

func fails(c sink.Cause, index ...int) func([]sink.Record) (sink.Result, error) {
	return func([]sink.Record) (r sink.Result, _ error) {
		for _, i := range index {
			r.Failed = append(r.Failed, sink.Failure{Index: i, Err: fault(c)})
		}
		return r, nil
	}
}

func whole(c sink.Cause) func([]sink.Record) (sink.Result, error) {
	return func([]sink.Record) (sink.Result, error) { return sink.Result{}, fault(c) }
}

func TestWhatBecomesOfABatch(t *testing.T) {
	t.Parallel()
	two := []record.Position{at(0, 1), at(0, 2), at(0, 5), at(1, 7), at(1, 8)}
	for name, c := range map[string]struct {
		script []func([]sink.Record) (sink.Result, error)
		failed string // of the answer
		err    sink.Cause
		fails  bool
	}{
		"all written":                           {script: []func([]sink.Record) (sink.Result, error){fails(sink.Failed)}, failed: "[]"},
		"a failure stops its partition only":    {script: []func([]sink.Record) (sink.Result, error){fails(sink.Failed, 1)}, failed: "[t-0@2 t-0@5]"},
		"one that is refused holds back nobody": {script: []func([]sink.Record) (sink.Result, error){fails(sink.Refused, 0, 3)}, failed: "[t-0@1 t-1@7]"},
		"busy: again at once, then written":     {script: []func([]sink.Record) (sink.Result, error){fails(sink.Busy, 1), fails(sink.Busy, 1), fails(sink.Failed)}, failed: "[]"},
		"busy with everything: no attempt":      {script: []func([]sink.Record) (sink.Result, error){whole(sink.Busy)}, fails: true, err: sink.Busy},
		"misconfigured":                         {script: []func([]sink.Record) (sink.Result, error){whole(sink.Misconfigured)}, fails: true, err: sink.Misconfigured},
		"failed as a whole":                     {script: []func([]sink.Record) (sink.Result, error){whole(sink.Failed)}, fails: true, err: sink.Failed},
		"all refused are named":                 {script: []func([]sink.Record) (sink.Result, error){fails(sink.Refused, 0, 1, 2, 3, 4)}, failed: "[t-0@1 t-0@2 t-0@5 t-1@7 t-1@8]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{script: c.script}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				answer, err := sink.Handler(s, sink.Deps{}).Invoke(ctx, event(two...))
				if c.fails {
					require.Error(t, err)
					require.Equal(t, c.err, sink.CauseOf(err))
					return
				}
				require.NoError(t, err)
				require.Empty(t, s.script, "every write of the script took place")
				require.Equal(t, c.failed, named(t, answer))
			})
		})
	}
}

func named(t *testing.T, answer []byte) string {
	t.Helper()
	var a struct {
		BatchItemFailures []struct {
			ItemIdentifier struct {
				Partition string
				Offset    int64
			}
		}
	}
	require.NoError(t, json.Unmarshal(answer, &a))
	list := []string{}
	for _, f := range a.BatchItemFailures {
		list = append(list, fmt.Sprintf("%s@%d", f.ItemIdentifier.Partition, f.ItemIdentifier.Offset))
	}
	return fmt.Sprint(list)
}

func TestABusyServiceIsLeftAloneWhenTheTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		for range 1000 {
			s.script = append(s.script, fails(sink.Busy, 0))
		}
		s.script[0] = fails(sink.Busy, 1) // one was written: the rest has this invocation's time
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		answer, err := sink.Handler(s, sink.Deps{}).Invoke(ctx, event(at(0, 1), at(0, 2)))
		require.NoError(t, err)
		require.Equal(t, "[t-0@2]", named(t, answer))
		require.Less(t, time.Since(began), 10*time.Second)
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	records, err := sink.Decode([]byte(`{"eventSource":"SelfManagedKafka","records":{"b-0":[{"topic":"b","partition":0,"offset":3,"timestamp":1700000000123,"key":"aw==","value":""}],
		"a-1":[{"topic":"a","partition":1,"offset":9,"headers":[{"h":[104,105]},{"h":[-1,255]},{"n":null}]},{"topic":"a","partition":1,"offset":11,"value":null}]}}`))
	require.NoError(t, err)
	require.Len(t, records, 3)
	require.Equal(t, []record.Header{{Key: "h", Value: []byte("hi")}, {Key: "h", Value: []byte{255, 255}}, {Key: "n"}}, records[0].Headers)
	require.Nil(t, records[0].Value)
	require.Nil(t, records[1].Value)
	require.Equal(t, []byte{}, records[2].Value, "an empty value is no tombstone")
	require.Equal(t, "b-0-3", sink.Token(&records[2]))
	require.Equal(t, int64(1700000000123), records[2].Time.UnixMilli())

	for _, bad := range []string{`{}`, `{"Records":[{"eventSource":"aws:sqs"}]}`, `[]`, `{"records":{"a-0":[{"headers":[{"h":[256]}]}]}}`} {
		_, err := sink.Decode([]byte(bad))
		require.ErrorContains(t, err, "read the event", bad)
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	r := &sink.Record{Topic: "orders", Partition: 2, Offset: 7, Time: time.UnixMilli(1700000000123), Key: []byte("k1"),
		Value: []byte(`{"customer":{"id":12345678901234567},"tags":["a"]}`), Headers: []record.Header{{Key: "trace", Value: []byte("abc")}}}
	for text, want := range map[string]string{
		"plain":                                   "plain",
		"{{ .key }}/{{ .value.customer.id }}":     "k1/12345678901234567",
		`{"v":{{ json .value.tags }}}`:            `{"v":["a"]}`,
		"{{ string .value.tags }}":                `"[\"a\"]"`,
		"{{ .headers.trace }} {{ .token }}":       "abc orders-2-7",
		`{{ .time.Format "2006/01/02" }}`:         "2023/11/14",
		`{{ default "none" (index .value "x") }}`: "none",
	} {
		p, err := sink.ParseTemplate(text)
		require.NoError(t, err, text)
		got, err := p.Fill(r)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	p, err := sink.ParseTemplate("{{ .value.missing }}")
	require.NoError(t, err)
	_, err = p.Fill(r)
	require.Equal(t, sink.Refused, sink.CauseOf(err))
	require.ErrorContains(t, err, "orders-2@7")
	_, err = sink.ParseTemplate("{{ .value")
	require.Error(t, err)
}

func TestSettingsAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	sp := sink.Spec{Name: "x", Settings: []sink.Setting{
		{Name: "bucket", Required: true, About: "where to"}, {Name: "keyPrefix"}, {Name: "login", Secret: true},
		{Name: "format", Values: []string{"a", "b"}, Default: "a"}, {Name: "n", Check: sink.Number(1, 5)}, {Name: "header.*"},
	}}
	err := sp.Check(sink.Settings{"login": "hunter2", "format": "c", "n": "9", "colour": "red", "header.X-A": "1"})
	for _, want := range []string{"bucket: is missing", "login: want a reference", "format: ", "n: 9 is not within", "colour: is no setting"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "hunter2")
	full, err := sp.Prepare(sink.Settings{"bucket": "b"})
	require.NoError(t, err)
	require.Equal(t, sink.Settings{"bucket": "b", "format": "a"}, full)

	s, err := sp.FromEnvironment([]string{"PATH=/", "GANTRY_SETTING_KEY_PREFIX=p/", "GANTRY_SETTING_BUCKET=b", "GANTRY_SETTING_HEADER__X_API_KEY=1"})
	require.NoError(t, err)
	require.Equal(t, sink.Settings{"keyPrefix": "p/", "bucket": "b", "header.x-api-key": "1"}, s)
	_, err = sp.FromEnvironment([]string{"GANTRY_SETTING_BUCKT=b"})
	require.ErrorContains(t, err, "GANTRY_SETTING_BUCKT")
}
