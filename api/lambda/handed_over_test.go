package lambda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

// A mapping that gave its group to AWS is taken back by whoever enables it, and by nothing else.
func TestAnUpdateTakesAHandedOverMappingBackWhenItEnables(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	m := mapping.Mapping{UUID: "11111111-1111-4111-8111-111111111111", GroupID: "g", HandedOver: &mapping.HandedOver{To: "4b6e6f1e"}, BatchSize: 100,
		Source: mapping.Source{Cluster: "onprem", Topics: []string{"orders"}}, Functions: []mapping.Consumer{{Function: "orders"}}}
	_, err := b.mappings().Put(t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, store.Write{})
	require.NoError(t, err)
	for _, body := range []string{`{"BatchSize":7}`, `{"Enabled":false}`} {
		b.engine.status[m.UUID] = mapping.Status{State: mapping.Disabled}
		require.Equal(t, 202, b.do("PUT", mappingsPath+"/"+m.UUID, body).Code)
		have, _, err := b.mappings().Get(t.Context(), m.UUID)
		require.NoError(t, err)
		require.NotNil(t, have.HandedOver, body)
	}
	require.Equal(t, 202, b.do("PUT", mappingsPath+"/"+m.UUID, `{"Enabled":true}`).Code)
	have, _, err := b.mappings().Get(t.Context(), m.UUID)
	require.NoError(t, err)
	require.True(t, have.Enabled)
	require.Nil(t, have.HandedOver)
}
