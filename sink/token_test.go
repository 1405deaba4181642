package sink_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/record"
	"gantry/sink"
)

func listed(positions ...record.Position) (records []sink.Record, part []int) {
	for i, p := range positions {
		records, part = append(records, sink.Record{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset}), append(part, i)
	}
	return records, part
}

func TestABatchTokenStandsForItsRecordsAlone(t *testing.T) {
	t.Parallel()
	require.Equal(t, "t-0-5", sink.BatchToken(listed(at(0, 5))))
	require.Equal(t, "t-0-5-7", sink.BatchToken(listed(at(0, 5), at(0, 6), at(0, 7))))
	all := map[string]bool{}
	for _, batch := range [][]record.Position{ // all have the same ends
		{at(0, 1), at(0, 9)},
		{at(0, 1), at(0, 2), at(0, 9)},
		{at(0, 1), at(0, 3), at(0, 9)},
		{at(0, 1), at(1, 9)},
		{at(0, 1), at(0, 2), at(1, 9)},
		{at(0, 1), at(1, 8), at(1, 9)},
	} {
		token := sink.BatchToken(listed(batch...))
		require.False(t, all[token], "%s stands for two batches", token)
		all[token] = true
		require.Equal(t, token, sink.BatchToken(listed(batch...)))
	}
}
