package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

// echo answers the positions of its records, one value for each.
func echo(_ context.Context, c rig.Call) function.Outcome {
	var values []string
	for _, p := range c.Partitions() {
		for _, o := range c.Parts[p] {
			values = append(values, fmt.Sprintf("%d/%d", p, o))
		}
	}
	out := rig.OK()
	out.Answer, _ = json.Marshal(values)
	return out
}

// writing is a mapping of two partitions whose answers go to topic out.
func writing(t *testing.T, o mapping.Output) (*rig.Rig, mapping.Mapping) {
	r := rig.New(t, 2)
	require.NoError(t, r.Fake.CreateTopic("out", 1, nil))
	m := fresh()
	m.BatchSize, m.Output = 3, &o
	return r, m
}

func produced(partition int32, n int) []*kgo.Record {
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Partition: partition, Value: []byte(strconv.Itoa(i)), Timestamp: time.Now()})
	}
	return records
}

// written reads a topic from its beginning to its end, as a reader of committed records.
func written(t *testing.T, r *rig.Rig, topic string) []string {
	t.Helper()
	end := r.Fake.PartitionInfo(topic, 0).LastStableOffset
	reader := r.Fake.NewHost().Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer reader.Close()
	var values []string
	for at := int64(0); at < end; {
		for _, rec := range reader.PollFetches(t.Context()).Records() {
			if at = rec.Offset + 1; rec.Attrs.IsControl() {
				continue
			}
			var v string
			if json.Unmarshal(rec.Value, &v) != nil {
				v = string(rec.Value)
			}
			values = append(values, v)
		}
	}
	return values
}

func from(values []string, partition int) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v[:1] != strconv.Itoa(partition) })
}

func numbered(partition, n int) []string {
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("%d/%d", partition, i))
	}
	return want
}

func TestAnswersAreWrittenInOrderBeforeTheirOffsets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := writing(t, mapping.Output{Topic: "out"})
		r.Produce(append(produced(0, 10), produced(1, 7)...)...)
		r.Fake.FailProduces("out", 3, kerr.NotLeaderForPartition)
		p := r.Start(rig.Spec{Mapping: m, Answer: echo})
		time.Sleep(time.Minute)
		got := written(t, r, "out")
		require.Equal(t, numbered(0, 10), from(got, 0))
		require.Equal(t, numbered(1, 7), from(got, 1))
		require.EqualValues(t, 17, p.Pipe.Counts().Written.Load())
		require.NoError(t, p.Stop())
		require.Equal(t, map[int32]int64{0: 10, 1: 7}, r.Fake.Committed(rig.Group, rig.Topic))
		require.Zero(t, p.Pipe.Snapshot().Held)
		r.Check(t)
	})
}

// While a topic can't be written to its lanes stand, the mapping says why, nothing is
// committed and no function is invoked again for it.
func TestAnAnswerWaitsForItsTopic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, m := writing(t, mapping.Output{Topic: "missing"})
		r.Produce(produced(0, 3)...)
		p := r.Start(rig.Spec{Mapping: m, Answer: echo})
		time.Sleep(time.Minute)
		s := p.Pipe.Snapshot()
		require.Equal(t, mapping.ProblemOutput, s.Result)
		require.Contains(t, s.Detail, "missing")
		require.Zero(t, s.Flying, "an answer that waits keeps no place")
		require.True(t, slices.ContainsFunc(s.Lanes, func(l pipelineLane) bool { return l.Standing() && l.InFlight }))
		require.Equal(t, map[int32]int64{0: 0, 1: 0}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, r.Fake.CreateTopic("missing", 1, nil))
		time.Sleep(2 * time.Minute)
		require.Equal(t, numbered(0, 3), written(t, r, "missing"))
		require.EqualValues(t, 1, p.Pipe.Counts().Invocations.Load())
		require.Equal(t, mapping.OK, p.Pipe.Snapshot().Result)
		require.NoError(t, p.Stop())
		r.Check(t)
	})
}

// A bad answer is the function's failure: it spends its attempts and is given up.
func TestABadAnswerGoesTheWayOfAFailure(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"not base64": `{"records":{"out":[{"value":"*"}]}}`, "not allowed": `{"records":{"other":[{}]}}`, "no such partition": `{"records":{"out":[{"partition":1}]}}`,
		"no JSON": `x`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, m := writing(t, mapping.Output{Topic: "out"})
				m.RetryAttempts = 2
				r.Produce(produced(0, 3)...)
				p := r.Start(rig.Spec{Mapping: m, Answer: func(context.Context, rig.Call) function.Outcome {
					out := rig.OK()
					out.Answer = []byte(answer)
					return out
				}})
				time.Sleep(time.Minute)
				require.EqualValues(t, 3, p.Pipe.Counts().Invocations.Load())
				require.EqualValues(t, 3, p.Pipe.Counts().Dropped.Load())
				require.Empty(t, written(t, r, "out"))
				require.NoError(t, p.Stop())
				require.EqualValues(t, 3, r.Fake.Committed(rig.Group, rig.Topic)[0])
			})
		})
	}
}
