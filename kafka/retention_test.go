package kafka

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
)

func TestRetentionOfATopic(t *testing.T) {
	t.Parallel()
	f := kafkatest.Local(t)
	day, forever, compact := "86400000", "-1", "compact"
	for name, config := range map[string]map[string]string{
		"a-day": {"retention.ms": day}, "for-ever": {"retention.ms": forever}, "compacted": {"cleanup.policy": compact, "retention.ms": day},
	} {
		require.NoError(t, f.CreateTopic(name, 1, config))
	}
	a, err := Open(Cluster{Brokers: f.Brokers()})
	require.NoError(t, err)
	defer a.Close()
	for name, want := range map[string]time.Duration{"a-day": 24 * time.Hour, "for-ever": 0, "compacted": 0} {
		got, err := a.Keeping(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, got.Time, name)
	}
	_, err = a.Keeping(t.Context(), "missing")
	require.Error(t, err)
}
