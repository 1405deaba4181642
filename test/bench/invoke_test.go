package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/internal/gantrytest"
	"gantry/target/process"
)

const echo = `package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
}
`

// Invoke: what a warm invocation of a local process costs over the function's own work,
// which is nothing here.
func TestInvokeOverhead(t *testing.T) {
	asked(t)
	pool, err := process.New(
		function.Function{Name: "echo", Kind: function.Process, Runtime: "provided.al2023", Handler: "h", Timeout: 10 * time.Second, Memory: 512, Processes: 1},
		process.Config{CodeDir: gantrytest.GoFunction(t, echo), Region: "us-east-1", AccountID: "000000000000", DataDir: t.TempDir()},
	)
	require.NoError(t, err)
	defer func() { require.NoError(t, pool.Close(context.Background())) }()
	lines := []string{"| event | p50 | p99 | first (cold) |", "| --- | --- | --- | --- |"}
	for _, size := range []int{10, 100_000, 5_000_000} {
		lines = append(lines, overhead(t, pool, size))
	}
	report(t, "Warm invocation of a local Go process, one at a time", lines)
}

func overhead(t *testing.T, pool *process.Pool, size int) string {
	event := slices.Concat([]byte{'"'}, slices.Repeat([]byte{'x'}, size-2), []byte{'"'})
	var cold time.Duration
	var took []time.Duration
	for i := range 2001 {
		began := time.Now()
		out := pool.Invoke(context.Background(), function.Invocation{Payload: event})
		d := time.Since(began)
		require.Equal(t, function.Succeeded, out.Class, out.Message)
		if i == 0 {
			cold = d
			continue
		}
		if took = append(took, d); size > 1_000_000 && i == 200 {
			break
		}
	}
	slices.Sort(took)
	return fmt.Sprintf("| %d B | %s | %s | %s |", size, quantile(took, 0.5).Round(time.Microsecond), quantile(took, 0.99).Round(time.Microsecond), round(cold))
}
