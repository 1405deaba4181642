package door_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/api/door"

	"github.com/stretchr/testify/require"
)

// TestRecordedRequests replays what the unmodified aws CLI (1.45.11) and boto3 (1.43.11)
// sent over the wire, at the time they sent it. The key is the one of AWS's own examples.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "recorded", "*.http"))
	require.NoError(t, err)
	require.Len(t, files, 8)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			at, err := time.Parse("20060102T150405Z", parse(t, raw).Header.Get("X-Amz-Date"))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, replay(t, raw, at))
			require.Equal(t, http.StatusOK, replay(t, raw, at.Add(14*time.Minute)))
			require.Equal(t, http.StatusForbidden, replay(t, raw, at.Add(16*time.Minute)), "outside of the window")
			require.Equal(t, http.StatusForbidden, replay(t, raw, at.Add(-16*time.Minute)), "outside of the window")
			for _, change := range [][2]string{{" HTTP/1.1", "x HTTP/1.1"}, {"/lambda/", "/lambdb/"}, {"eu-west-1/lambda", "eu-west-2/lambda"}} {
				from, to := change[0], change[1]
				changed := bytes.Replace(raw, []byte(from), []byte(to), 1)
				require.NotEqual(t, raw, changed)
				require.Equal(t, http.StatusForbidden, replay(t, changed, at), to)
			}
		})
	}
}

func parse(t *testing.T, raw []byte) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	require.NoError(t, err)
	return r
}

func replay(t *testing.T, raw []byte, now time.Time) int {
	t.Helper()
	r := parse(t, raw)
	h, err := door.New(door.Config{Listen: r.Host, Keys: testKeys(t), Now: func() time.Time { return now }}, http.HandlerFunc(echo))
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
