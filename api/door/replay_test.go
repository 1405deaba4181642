package door

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func signedAt(at time.Time, mark byte, headers ...string) signature {
	value := make([]byte, 32)
	value[0] = mark
	return signature{at: at, atText: at.Format(dateLayout), value: value, headers: headers}
}

func post(t *testing.T) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://x/", nil)
	require.NoError(t, err)
	return r
}

// TestReplays: a signature comes again within its second only, and one with an id of its
// own not even then; what has expired is forgotten.
func TestReplays(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var p replays
	one, own := signedAt(now, 1), signedAt(now, 2, "amz-sdk-invocation-id", "host")
	require.NoError(t, p.check(post(t), one, now))
	require.NoError(t, p.check(post(t), one, now.Add(time.Second)), "the same request twice in a second")
	require.ErrorContains(t, p.check(post(t), one, now.Add(3*time.Second)), "used before")
	require.ErrorContains(t, p.check(post(t), one, now.Add(skew)), "used before")
	require.NoError(t, p.check(post(t), own, now))
	require.ErrorContains(t, p.check(post(t), own, now), "used before")
	get := post(t)
	get.Method = http.MethodGet
	require.NoError(t, p.check(get, own, now), "a transport repeats a GET whose connection broke")
	require.Equal(t, 2, p.count)
	require.NoError(t, p.check(post(t), signedAt(now.Add(skew+time.Minute), 3), now.Add(skew+time.Minute)))
	require.Equal(t, 1, p.count, "what has expired is forgotten")
}

// TestTooManySignatures: what is forgotten early can't come again either.
func TestTooManySignatures(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	p := replays{maximum: 3}
	for i := range 6 {
		at := now.Add(time.Duration(i) * time.Second)
		require.NoError(t, p.check(post(t), signedAt(at, byte(i)), at))
	}
	require.Equal(t, 3, p.count)
	require.ErrorContains(t, p.check(post(t), signedAt(now, 0), now.Add(6*time.Second)), "too long ago")
	require.ErrorContains(t, p.check(post(t), signedAt(now.Add(2*time.Second), 9), now.Add(6*time.Second)), "too long ago")
	require.NoError(t, p.check(post(t), signedAt(now.Add(6*time.Second), 9), now.Add(6*time.Second)))
}
