package admin_test

import (
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"gantry/engine"
	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// three is a mapping to three functions of which one stands.
func three(b *bench) mapping.Mapping {
	m := plain(one, "orders")
	m.Functions = []mapping.Consumer{{Function: "validate"}, {Function: "price", Filters: []string{`{"value":{"a":[1]}}`}}, {Function: "notify"}}
	b.put(m)
	lane := pipeline.LaneSnapshot{
		Partition: record.Partition{Topic: "orders", Index: 3}, Committed: 7, Resume: 7, At: 7, Tail: 12, Lanes: 3,
		Attempts: 4, Since: started, Detail: "it broke",
		Stands:  []pipeline.Stand{{Function: "price", At: 7, Attempts: 4, Since: started, Detail: "it broke"}},
		Readers: []pipeline.ReaderSnapshot{{Function: "validate", Resume: 12}, {Function: "price", Resume: 7, Open: 5}, {Function: "notify", Resume: 12}},
	}
	b.engine.running = []engine.Running{{
		UUID: one, Mapping: m, Counts: numbered(100),
		Snapshot: pipeline.Snapshot{Lanes: []pipeline.LaneSnapshot{lane}, Functions: []pipeline.FunctionSnapshot{
			{Name: "validate", Result: mapping.OK, Counts: numbered(1000)},
			{Name: "price", Result: mapping.ProblemFunction, Detail: "it broke", Open: 5, Standing: 1, Counts: numbered(2000)},
			{Name: "notify", Result: mapping.OK, Counts: numbered(3000)},
		}},
	}}
	b.engine.standing = []engine.Standing{{Mapping: m, Partition: lane.Partition, Lane: &lane, Lag: 5}}
	return m
}

func TestSeveralFunctionsAreShownEach(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	three(b)
	got := b.fine("GET", "/gantry/v1/mappings/orders", "")
	seen := got["mapping"].(map[string]any)
	requireJSON(t, `[{"name":"validate"},{"name":"price","filters":["{\"value\":{\"a\":[1]}}"]},{"name":"notify"}]`, seen["functions"])
	require.NotContains(t, seen, "function")
	states := got["functions"].([]any)
	require.Len(t, states, 3)
	price := states[1].(map[string]any)
	require.Equal(t, []any{"price", mapping.ProblemFunction, "it broke", 5.0, 1.0}, []any{price["function"], price["processingResult"], price["detail"], price["open"], price["blocked"]})
	require.EqualValues(t, 2002, price["counts"].(map[string]any)["InvokedEventCount"])
	require.NotContains(t, price["counts"], "PolledEventCount", "that is the mapping's")
	lane := got["lanes"].([]any)[0].(map[string]any)
	requireJSON(t, `[{"function":"validate","resume":12,"open":0},{"function":"price","resume":7,"open":5},{"function":"notify","resume":12,"open":0}]`, lane["readers"])

	list := b.fine("GET", "/gantry/v1/mappings", "")["mappings"].([]any)[0].(map[string]any)
	require.Equal(t, "validate,price,notify", list["function"])
	standing := b.fine("GET", "/gantry/v1/status", "")["standing"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"price", true}, []any{standing["function"], standing["severalFunctions"]})
	require.Contains(t, standing["commands"], `gantry skip orders --partition 3 --offset 7 --function price --to drop --reason "…"`)
	require.Contains(t, standing["commands"], "gantry logs price")
	for _, name := range []string{"validate", "price", "notify"} {
		b.putFunction(function.Function{Name: name, Kind: function.Process})
		b.refused(409, "ResourceConflictException", "is used by mapping orders", "DELETE", "/gantry/v1/functions/"+name, "")
	}
}

// What is counted of functions is there for each, what is counted of the mapping once.
func TestMetricsOfSeveralFunctions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	three(b)
	families := scrape(t, b.engine)
	by := func(name string) map[string]float64 {
		out := map[string]float64{}
		for _, m := range families[name].Metric {
			for _, l := range m.Label {
				if l.GetName() == "function" {
					out[l.GetValue()] = value(m)
				}
			}
		}
		return out
	}
	require.Equal(t, map[string]float64{"validate,price,notify": 100}, by("gantry_polled_events_total"))
	require.Equal(t, map[string]float64{"validate": 1002, "price": 2002, "notify": 3002}, by("gantry_invoked_events_total"))
	require.Equal(t, map[string]float64{"price": 4}, by("gantry_lane_attempts"))
}

// A record of a mapping with several functions is shown with those whose filters keep it.
func TestARecordIsShownWithItsFunctions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	three(b)
	b.engine.records = []record.Record{{Offset: 7, Value: []byte(`{"a":1}`)}, {Offset: 8, Value: []byte(`{"a":2}`)}}
	list := b.fine("GET", "/gantry/v1/mappings/orders/records?partition=3&offset=7&count=2", "")["records"].([]any)
	require.Equal(t, []any{"validate", "price", "notify"}, list[0].(map[string]any)["functions"])
	require.Equal(t, []any{"validate", "notify"}, list[1].(map[string]any)["functions"])
}

func value(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }
