package examples

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProduce holds that the function of examples/produce writes, and that the page shows
// its code.
func TestProduce(t *testing.T) {
	t.Parallel()
	g := serve(t, built(t), embedded(t, "produce/gantry.yaml"))
	g.must(t, "produce", "orders", "--cluster", "mine", `{"id":"a","total":12.5}`, `{"id":"b","total":1}`)
	g.must(t, "wait", "orders", "--settled", "--timeout", "60s")
	said := regexp.MustCompile(`orders-\d-\d is written to \d-\d`)
	require.Eventually(t, func() bool {
		return len(said.FindAllString(g.must(t, "logs", "order-check"), -1)) == 2
	}, 10*time.Second, 50*time.Millisecond)
	res, err := http.Get(g.endpoint + "/metrics")
	require.NoError(t, err)
	defer res.Body.Close()
	counts, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, string(counts), `gantry_function_produced_records_total{function="order-check"} 2`)
	page, err := os.ReadFile("../docs/produce.md")
	require.NoError(t, err)
	code, err := os.ReadFile("produce/order_check/app.py")
	require.NoError(t, err)
	send, _, _ := strings.Cut(string(code[strings.Index(string(code), "def send"):]), "\n\n\n")
	require.Contains(t, string(page), "```python\n"+send+"\n```")
}
