package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOneBrokerOfThreeIsBlocked: while connections to the others come and go, what is shown
// stays the same, and ends when the broker is reached or not asked any more.
func TestOneBrokerOfThreeIsBlocked(t *testing.T) {
	t.Parallel()
	now := time.Now()
	known := connections{failed: map[string]failure{}, good: map[string]bool{}}
	note := func(broker string, err error) { known.note(connect{broker, err}, now) }
	blocked := errors.New("connect to b1:9092: i/o timeout")
	note("b1:9092", blocked)
	require.EqualError(t, known.trouble(), "connect to b1:9092: i/o timeout", "nothing else is known")
	note("b2:9092", nil)
	note("b3:9092", nil)
	for range 20 {
		require.EqualError(t, known.trouble(), "1 of 3 brokers can't be reached: connect to b1:9092: i/o timeout")
		require.ErrorIs(t, known.trouble(), blocked)
		now = now.Add(12 * time.Second)
		note("b2:9092", nil)
		note("b1:9092", blocked)
		known.expire(now)
	}
	note("b3:9092", errors.New("connect to b3:9092: refused"))
	require.EqualError(t, known.trouble(), "2 of 3 brokers can't be reached: connect to b1:9092: i/o timeout\nconnect to b3:9092: refused")
	note("b3:9092", nil)
	note("b1:9092", nil)
	require.NoError(t, known.trouble())
	note("b1:9092", blocked)
	now = now.Add(unreachedFor)
	known.expire(now)
	require.NoError(t, known.trouble(), "nobody asked it for a minute")
}
