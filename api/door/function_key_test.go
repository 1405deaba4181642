package door_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
)

// A key that speaks for a function has no role, so that no operation of the table lets it
// in, and the function it speaks for is known to who is behind the door.
func TestKeysOfFunctions(t *testing.T) {
	t.Parallel()
	_, err := door.NewKeys(door.Key{ID: "BOTH", Secret: "0123456789abcdef", Role: door.Viewer, Function: "f"})
	require.ErrorContains(t, err, "it speaks for function f, so it has no role")

	keys, err := door.NewKeys(door.Key{ID: "ORDERS", Secret: "0123456789abcdef", Function: "orders"})
	require.NoError(t, err)
	reached := false
	h, err := door.New(door.Config{Listen: "127.0.0.1:9400", Keys: keys}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached = true
		require.Equal(t, "orders", door.FunctionOf(r.Context()))
		for _, operation := range door.Operations() {
			require.Error(t, door.Allow(r.Context(), operation), operation)
		}
	}))
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request{id: "ORDERS", secret: "0123456789abcdef", path: "/gantry/v1/topics/t/records", body: "{}"}.make(t, "127.0.0.1:9400"))
	require.Equal(t, 200, w.Code, w.Body.String())
	require.True(t, reached)
}
