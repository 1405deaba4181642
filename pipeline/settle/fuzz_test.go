package settle

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/record"
)

// FuzzAnswer: whatever a function answers, it is either no partial batch response, or it
// names records that were in the event, each once and in order.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"", "null", "{}", `{"batchItemFailures":[]}`, `{"batchItemFailures":null}`, `[]`, `"x"`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-1","offset":7}}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":5}},{"itemIdentifier":{"partition":"orders-0","offset":5}}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-1","offset":99}}]}`, `{"batchItemFailures":[{"itemIdentifier":"7"}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-1","offset":1e99}}]}`, `{"batchItemFailures":[{}]}`,
	} {
		f.Add([]byte(answer))
	}
	b := record.Batch{Parts: []record.Part{
		{Lane: record.Lane{Topic: "orders"}, Records: []record.Record{{Offset: 5}, {Offset: 6}, {Offset: 9}}},
		{Lane: record.Lane{Topic: "orders", Partition: 1}, Records: []record.Record{{Offset: 7}}},
	}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		failed, err := ReadFailures(answer, &b)
		if err != nil {
			require.Empty(t, failed)
			return
		}
		for part, indexes := range failed {
			require.Less(t, part, len(b.Parts))
			require.NotEmpty(t, indexes)
			require.True(t, slices.IsSorted(indexes))
			require.Len(t, slices.Compact(slices.Clone(indexes)), len(indexes))
			require.GreaterOrEqual(t, indexes[0], 0)
			require.Less(t, indexes[len(indexes)-1], len(b.Parts[part].Records))
		}
	})
}
