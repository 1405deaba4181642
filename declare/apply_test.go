package declare_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/memory"
)

// clusters is the engine: it resolves what it is asked, or waits until it is given up.
type clusters struct {
	silent bool
	at     int64 // where everything begins, 7 where it is not said
}

func (c clusters) Resolve(ctx context.Context, m *mapping.Mapping) error {
	if c.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, topic := range m.Source.Topics {
		if len(m.Positions[topic]) == 0 {
			if m.Positions == nil {
				m.Positions = map[string]map[int32]int64{}
			}
			m.Positions[topic] = map[int32]int64{0: cmp.Or(c.at, 7)}
		}
	}
	return nil
}

func (clusters) Begins(_ context.Context, m mapping.Mapping) (string, error) {
	return "begins at " + string(m.Start), nil
}

type desk struct {
	t     *testing.T
	store *memory.Store
	from  clusters
}

func (d desk) apply(text string, opts declare.Options) ([]declare.Change, error) {
	f, err := declare.Parse([]byte(text), declare.Identity{Name: "gantry.yaml", Dir: "/etc/gantry"})
	require.NoError(d.t, err)
	opts.By = store.Write{Actor: "test", Reason: "test"}
	changes, err := declare.Applier{Store: d.store, Source: d.from, Now: time.Now}.Apply(context.Background(), f, opts)
	for i := range changes { // the tests tell what changed; the values are the audit line's
		changes[i].Before, changes[i].After = nil, nil
	}
	return changes, err
}

func (d desk) mappings() map[string]mapping.Mapping {
	items, err := store.MappingsOf(d.store).List(context.Background())
	require.NoError(d.t, err)
	all := map[string]mapping.Mapping{}
	for _, item := range items {
		all[item.Value.Name] = item.Value
	}
	return all
}

const functions = "functions: {f: {http: \"http://h/\"}}\n"

func mappings(n int, more string) string {
	text := functions + "mappings:\n"
	for i := range n {
		text += fmt.Sprintf("  m%d: {function: f, brokers: [\"b:9092\"], topic: t, startingPosition: LATEST%s}\n", i, more)
	}
	return text
}

// A cluster that does not answer costs one wait, however many mappings read it, and
// none of them is left out.
func TestSilentClustersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := desk{t, memory.New(), clusters{silent: true}}
		began := time.Now()
		changes, err := d.apply(mappings(20, ""), declare.Options{})
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), 15*time.Second)
		require.Len(t, changes, 21)
		require.Contains(t, changes[20].Note, "resolved when the cluster can be reached")
		require.Len(t, d.mappings(), 20)
	})
}

func TestAnUpdateKeepsWhereAMappingBegan(t *testing.T) {
	t.Parallel()
	d := desk{t, memory.New(), clusters{}}
	changes, err := d.apply(mappings(1, ""), declare.Options{})
	require.NoError(t, err)
	require.Equal(t, declare.Create, changes[1].Action)
	require.Equal(t, "begins at LATEST", changes[1].Note)
	require.Equal(t, declare.UUID("000000000000", "us-east-1", "m0"), d.mappings()["m0"].UUID)
	d.from = clusters{silent: true} // not asked again
	changes, err = d.apply(mappings(1, ", batchSize: 7"), declare.Options{})
	require.NoError(t, err)
	require.Equal(t, declare.Change{Kind: store.Mappings, Name: "m0", UUID: d.mappings()["m0"].UUID, Action: declare.Update, Fields: []string{"batchSize"}}, changes[1])
	require.EqualValues(t, 7, d.mappings()["m0"].Positions["t"][0])
	d.from = clusters{}
	changes, err = d.apply(mappings(1, ", batchSize: 7, consumerGroupId: other"), declare.Options{})
	require.NoError(t, err)
	require.Equal(t, "begins at LATEST", changes[1].Note, "another group begins anew")
}

// A topic that is added begins anew, those that stay begin where they began, and the order in
// which topics are named says nothing.
func TestATopicIsAddedAndTakenAway(t *testing.T) {
	t.Parallel()
	d := desk{t, memory.New(), clusters{at: 7}}
	of := func(topics string) string {
		return functions + "mappings:\n  m: {function: f, brokers: [\"b:9092\"], topics: [" + topics + "], startingPosition: LATEST}\n"
	}
	began := func(topics string) map[string]map[int32]int64 {
		_, err := d.apply(of(topics), declare.Options{})
		require.NoError(t, err)
		return d.mappings()["m"].Positions
	}
	require.Equal(t, map[string]map[int32]int64{"a": {0: 7}, "b": {0: 7}}, began("a, b"))
	d.from = clusters{at: 9}
	require.Equal(t, map[string]map[int32]int64{"a": {0: 7}, "b": {0: 7}, "c": {0: 9}}, began("a, b, c"))
	d.from = clusters{silent: true} // nothing to ask
	require.Equal(t, map[string]map[int32]int64{"b": {0: 7}, "c": {0: 9}}, began("c, b"))
	changes, err := d.apply(of("b, c"), declare.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"source"}, changes[1].Fields)
	require.Equal(t, []string{"b", "c"}, d.mappings()["m"].Source.Topics)
	d.from = clusters{at: 11}
	require.Equal(t, map[string]map[int32]int64{"a": {0: 11}, "b": {0: 7}}, began("a, b"), "it was away")
}

// What was handed over to AWS stays off when its file is applied again, until its owner
// resumes it, or declares another group.
func TestWhatWasHandedOverStaysOff(t *testing.T) {
	t.Parallel()
	d := desk{t, memory.New(), clusters{}}
	_, err := d.apply(mappings(2, ""), declare.Options{})
	require.NoError(t, err)
	docs, uuid := store.MappingsOf(d.store), d.mappings()["m0"].UUID
	given := &mapping.HandedOver{To: "4b6e6f1e", At: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	_, _, err = docs.Change(t.Context(), uuid, store.Write{}, func(m *mapping.Mapping) error {
		m.Enabled, m.HandedOver = false, given
		return nil
	})
	require.NoError(t, err)
	const note = "stays off: it was handed over to mapping 4b6e6f1e in AWS at 2026-11-30T12:00:00Z; gantry resume m0 takes it back"
	for _, more := range []string{"", ", enabled: true", ", batchSize: 7", ", startingPosition: TRIM_HORIZON"} {
		text := mappings(2, more)
		if strings.Contains(more, "startingPosition") {
			text = strings.ReplaceAll(mappings(2, ""), "LATEST", "TRIM_HORIZON")
		}
		changes, err := d.apply(text, declare.Options{})
		require.NoError(t, err, more)
		require.True(t, strings.HasPrefix(changes[1].Note, note), "%s: %s", more, changes[1].Note)
		require.NotContains(t, changes[2].Note, "stays off")
		require.False(t, d.mappings()["m0"].Enabled, more)
		require.Equal(t, given, d.mappings()["m0"].HandedOver, more)
		require.True(t, d.mappings()["m1"].Enabled, more)
	}
	changes, err := d.apply(mappings(1, ", consumerGroupId: other"), declare.Options{})
	require.NoError(t, err)
	require.NotContains(t, changes[1].Note, "stays off")
	require.True(t, d.mappings()["m0"].Enabled, "another group was given to nobody")
	require.Nil(t, d.mappings()["m0"].HandedOver)
}

func TestApplyNamesEveryFaultAndChangesNothing(t *testing.T) {
	t.Parallel()
	d := desk{t, memory.New(), clusters{}}
	_, err := store.MappingsOf(d.store).Put(t.Context(), store.Item[mapping.Mapping]{ID: "u", Value: mapping.Mapping{
		UUID: "u", GroupID: "gantry.m1", Functions: []mapping.Consumer{{Function: "f"}}, Source: mapping.Source{Topics: []string{"t"}},
	}}, store.Write{Actor: "test", Reason: "test"})
	require.NoError(t, err)
	text := mappings(2, "") + "  m2: {function: absent, brokers: [\"b:9092\"], topic: t, startingPosition: LATEST}\n"
	_, err = d.apply(text, declare.Options{})
	require.ErrorContains(t, err, `mappings.m1.consumerGroupId: group "gantry.m1" is used by mapping u already`)
	require.ErrorContains(t, err, `mappings.m2.function: "absent" is no function of this file or of the store`)
	require.Len(t, d.mappings(), 1)
	_, _, err = store.FunctionsOf(d.store).Get(t.Context(), "f")
	require.True(t, errors.Is(err, store.ErrNotFound))
}

func TestWhatTheAPIMadeIsLeftAlone(t *testing.T) {
	t.Parallel()
	d := desk{t, memory.New(), clusters{}}
	_, err := store.MappingsOf(d.store).Put(t.Context(), store.Item[mapping.Mapping]{ID: "u", Value: mapping.Mapping{
		UUID: "u", GroupID: "u", Enabled: true, Functions: []mapping.Consumer{{Function: "f"}}, Source: mapping.Source{Topics: []string{"t"}},
	}}, store.Write{Actor: "test", Reason: "test"})
	require.NoError(t, err)
	_, err = d.apply(mappings(2, ""), declare.Options{})
	require.NoError(t, err)
	changes, err := d.apply(functions, declare.Options{Prune: true})
	require.NoError(t, err)
	require.Len(t, changes, 3)
	all := d.mappings()
	require.True(t, all[""].Enabled)
	require.True(t, all["m0"].Deleting)
	require.True(t, all["m1"].Deleting)
}
