package poll

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
)

// An accepted loss moves a group that stands before it, once, and never one that has gone
// on meanwhile.
func TestAnAcceptedLossWaits(t *testing.T) {
	t.Parallel()
	gap := mapping.Loss{First: 20, Last: 29, Resume: 30}
	cut := mapping.Loss{First: 12, Last: 19, Resume: 12}
	recreated := mapping.Loss{First: 20, Last: 24, Resume: 0}
	unknown := mapping.Loss{First: 20, Last: 19, Resume: 0}
	for _, c := range []struct {
		name      string
		loss      mapping.Loss
		committed int64
		waits     bool
	}{
		{"gap, nothing committed", gap, -1, true},
		{"gap, before it", gap, 20, true},
		{"gap, behind it", gap, 30, false},
		{"gap, gone on", gap, 5000, false},
		{"cut, stands where it was read", cut, 20, true},
		{"cut, stands at the cut", cut, 12, false},
		{"cut, below the cut: read again from there", cut, 5, false},
		{"cut, gone on", cut, 5000, false},
		{"recreated, commits went with the topic", recreated, -1, true},
		{"recreated, an old commit", recreated, 20, true},
		{"recreated, gone on", recreated, 5000, false},
		{"recreated, nobody knows how far", unknown, 20, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.waits, waits(c.loss, c.committed))
		})
	}
}
