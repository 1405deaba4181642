package admin_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
)

func TestAFunctionIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	requireJSON(t, `[]`, b.fine("GET", "/gantry/v1/functions", "")["functions"])
	reserved := 3
	b.putFunction(function.Function{
		Name: "validate", Kind: function.Process, Runtime: "python3.12", Handler: "app.handler", Timeout: 90 * time.Second, Memory: 256,
		Code: function.Code{SHA256: "abc", Size: 12}, Environment: map[string]string{"PASSWORD": "geheim"}, Concurrency: &reserved,
		Declared: true, LastModified: started,
	})
	b.putFunction(function.Function{Name: "legacy", Kind: function.HTTP, URL: "http://user:geheim@host/x", Timeout: time.Second})
	b.putFunction(function.Function{
		Name: "archive", Kind: function.InProcess, Integration: "s3", Settings: map[string]string{"secretKey": "geheim"}, Timeout: time.Second,
	})
	list := b.fine("GET", "/gantry/v1/functions", "")["functions"].([]any)
	require.Len(t, list, 3)
	text, err := json.Marshal(list)
	require.NoError(t, err)
	require.NotContains(t, string(text), "geheim")
	requireJSON(t, `{"name":"archive","kind":"inprocess","declared":false,"integration":"s3","settings":{"secretKey":"(hidden)"},"timeout":"1s"}`, list[0])
	require.Equal(t, "http://%28hidden%29@host/x", list[1].(map[string]any)["http"])
	requireJSON(t, `{"name":"validate","kind":"process","declared":true,"runtime":"python3.12","handler":"app.handler",
		"code":{"sha256":"abc","size":12},"timeout":"1m30s","memory":256,"environment":{"PASSWORD":"(hidden)"},"concurrency":3,
		"lastModified":"2026-11-23T12:00:00Z"}`, b.fine("GET", "/gantry/v1/functions/validate", ""))
}

func TestAFunctionThatIsUsedStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.putFunction(function.Function{Name: "f", Kind: function.HTTP})
	m := plain(one, "orders-to-f")
	b.put(m)
	b.put(plain(two, ""))
	b.refused(409, "ResourceConflictException", "function f is used by mapping orders-to-f, "+two+"; delete that first", "DELETE", "/gantry/v1/functions/f", "")
	require.Equal(t, []string{"f"}, b.functions())

	b.fine("DELETE", "/gantry/v1/mappings/"+one, "")
	b.fine("DELETE", "/gantry/v1/mappings/"+two, "")
	b.audit.lines()
	b.fine("DELETE", "/gantry/v1/functions/f", "")
	require.Empty(t, b.functions())
	require.Equal(t, []string{"AKIDTEST: delete function f (delete)"}, b.audit.lines())
}
