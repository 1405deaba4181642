package lambda

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

// A mapping to several functions is shown by its first, found by each, named whole in a tag
// that nobody can set, and refuses what could only be said of one.
func TestAMappingOfSeveralFunctionsThroughTheAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"validate", "price", "notify"} {
		b.declare(t, function.Function{Name: name, Kind: function.Process})
	}
	m := mapping.Mapping{
		UUID: "11111111-1111-4111-8111-111111111111", GroupID: "gantry.orders", Enabled: true, Tags: map[string]string{"team": "a"},
		Source:    mapping.Source{Cluster: "onprem", Bootstrap: []string{"b:9092"}, Topics: []string{"orders"}},
		Functions: []mapping.Consumer{{Function: "validate"}, {Function: "price", Filters: []string{`{"value":{"a":[1]}}`}}, {Function: "notify"}},
		BatchSize: 100, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
	}
	_, err := b.mappings().Put(t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, store.Write{})
	require.NoError(t, err)
	b.engine.status[m.UUID] = mapping.Status{State: mapping.Enabled}
	path := mappingsPath + "/" + m.UUID

	var shown struct{ FunctionArn, EventSourceMappingArn string }
	require.NoError(t, json.Unmarshal(b.do("GET", path, "").Body.Bytes(), &shown))
	require.Contains(t, shown.FunctionArn, ":function:validate")
	for _, name := range []string{"validate", "price", "notify"} {
		require.Contains(t, b.do("GET", mappingsPath+"?FunctionName="+name, "").Body.String(), m.UUID)
	}

	tags := "/2017-03-31/tags/" + url.PathEscape(shown.EventSourceMappingArn)
	require.JSONEq(t, `{"Tags":{"team":"a","gantry:functions":"validate price notify"}}`, b.do("GET", tags, "").Body.String())
	w := b.do("POST", tags, `{"Tags":{"gantry:functions":"validate"}}`)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "read-only")
	require.Equal(t, 400, b.do("DELETE", tags+"?tagKeys=gantry:functions", "").Code)

	w = b.do("PUT", path, `{"FunctionName":"price","FilterCriteria":{"Filters":[]},"BatchSize":7}`)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "FunctionName: this mapping has 3 functions (validate, price, notify)")
	require.Contains(t, w.Body.String(), "FilterCriteria: this mapping has 3 functions")
	w = b.do("POST", tags, `{"Tags":{"gantry:output.topic":"out","gantry:output.transactional":"true"}}`)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "a mapping has one function, not 3")
	after, _, err := b.mappings().Get(t.Context(), m.UUID)
	require.NoError(t, err)
	require.Equal(t, m.Functions, after.Functions)
	require.Equal(t, 100, after.BatchSize, "a refused request has changed nothing")

	w = b.do("PUT", path, `{"BatchSize":7}`)
	require.Equal(t, 202, w.Code, w.Body)
	after, _, err = b.mappings().Get(t.Context(), m.UUID)
	require.NoError(t, err)
	require.Equal(t, 7, after.BatchSize)
	require.Equal(t, m.Functions, after.Functions)
	require.Equal(t, map[string]string{"team": "a"}, after.Tags, "the tag that is shown is not stored")
}
