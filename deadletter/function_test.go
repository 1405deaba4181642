package deadletter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
	"gantry/record"
)

// Of several functions a letter goes to the one that gave it up, in batches of its own; a
// function that is gone gets none.
func TestALetterGoesToTheFunctionThatGaveItUp(t *testing.T) {
	t.Parallel()
	r := &redrive{Box: &Box{mapping: mapping.Mapping{BatchSize: 100, Functions: []mapping.Consumer{{Function: "price"}, {Function: "notify"}}}}, order: Order{To: Target{Kind: ToFunction}}}
	of := func(name string, offset int64) item {
		return item{letter: &Letter{Function: "arn:aws:lambda:eu-west-1:000000000000:function:" + name}, rec: Record{At: record.Position{Topic: "orders", Offset: offset}}}
	}
	require.Equal(t, "notify", r.function(of("notify", 1)))
	require.Equal(t, "function notify", r.went(of("notify", 1)))
	require.Empty(t, r.function(of("gone", 1)))
	require.Equal(t, "function gone", r.went(of("gone", 1)))
	require.Equal(t, "function price or notify", r.target())
	r.batch = []item{of("price", 1)}
	require.False(t, r.full(of("price", 2)))
	require.True(t, r.full(of("notify", 2)), "another function has a batch of its own")
	r.mapping.Functions = r.mapping.Functions[:1]
	require.Equal(t, "price", r.function(of("before", 1)), "the only function takes letters of the one it replaced")
}
