package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// A mapping to several functions: each gets what its filters keep, the mapping shows whose
// problem it is, the dead letter names its function, and a change of the list does not leave
// the group.
func TestAMappingOfSeveralFunctions(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		require.NoError(t, p.fake.CreateTopic("dead", 1, nil))
		for _, name := range []string{"f", "g", "h"} {
			p.function(name)
		}
		m := orders()
		m.RetryAttempts, m.OnFailure = 2, "kafka://dead"
		m.Functions = []mapping.Consumer{{Function: "f"}, {Function: "g", Filters: []string{`{"value":{"n":[{"numeric":[">",1]}]}}`}}}
		p.fails("g", true)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, `{"n":0}`, `{"n":1}`, `{"n":2}`)
		p.mapping(m)
		settle(150 * time.Millisecond)
		s := p.engine.Status(id)
		require.Equal(t, mapping.ProblemFunction, s.ProcessingResult)
		require.Equal(t, "g: told to fail", s.Detail)
		settle(time.Minute)
		require.Equal(t, []int64{0, 1, 2}, p.seen("f"))
		require.Equal(t, map[int32]int64{0: 3}, p.fake.Committed("g", "orders"))
		read := p.fake.NewHost().Client(t, kgo.ConsumeTopics("dead"))
		fetched := read.PollFetches(t.Context())
		require.Len(t, fetched.Records(), 1)
		require.Contains(t, string(fetched.Records()[0].Value), `"functionArn":"arn:aws:lambda:eu-west-1:000000000000:function:g:$LATEST"`)

		before := p.fake.GroupInfo("g").Epoch
		p.fails("g", false)
		p.change(id, func(m *mapping.Mapping) {
			m.Functions = append(slices.Clone(m.Functions[1:]), mapping.Consumer{Function: "h"})
		})
		settle(5 * time.Second)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, `{"n":1}`, `{"n":2}`)
		settle(5 * time.Second)
		require.Equal(t, [][]int64{{0, 1, 2}, {4}, {3, 4}}, [][]int64{p.seen("f"), p.seen("g"), p.seen("h")})
		require.Equal(t, map[int32]int64{0: 5}, p.fake.Committed("g", "orders"))
		require.Equal(t, before, p.fake.GroupInfo("g").Epoch, "the group did not notice")
		require.Equal(t, mapping.OK, p.engine.Status(id).ProcessingResult)
	})
}

// One function that is not there keeps the mapping from running, and says which it is.
func TestOneOfSeveralFunctionsIsMissing(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		m := orders()
		m.Functions = []mapping.Consumer{{Function: "f"}, {Function: "g"}}
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a")
		p.mapping(m)
		settle(5 * time.Second)
		require.Equal(t, mapping.ReasonFunctionInvalid, p.engine.Status(id).Reason)
		require.Contains(t, p.engine.Status(id).Detail, "function g")
		require.Empty(t, p.seen("f"))
		p.function("g")
		settle(5 * time.Second)
		require.Equal(t, [][]int64{{0}, {0}}, [][]int64{p.seen("f"), p.seen("g")})
	})
}

func (p *place) fails(name string, fails bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail[name] = fails
}
