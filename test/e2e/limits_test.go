package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// crowd is a function that counts how many of its invocations run at once.
type crowd struct {
	*httptest.Server
	now, most, calls atomic.Int64
}

func newCrowd(t *testing.T) *crowd {
	f := &crowd{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.now.Add(1)
		defer f.now.Add(-1)
		for m := f.most.Load(); n > m && !f.most.CompareAndSwap(m, n); m = f.most.Load() {
		}
		f.calls.Add(1)
		select { // long enough for the others to come in
		case <-time.After(30 * time.Millisecond):
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("null"))
	}))
	t.Cleanup(f.Close)
	return f
}

// A function never runs more often at once than its reserved concurrency or its
// mapping's pollers allow, and as often as that.
func TestConcurrencyIsHeld(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	const partitions = 12
	c.CreateTopic(t, topic, partitions, nil)
	kafkatest.Fill(t, c, kafkatest.Load{Topic: topic, Partitions: partitions, Records: 600, Size: 50})
	reserved, polled, free := newCrowd(t), newCrowd(t), newCrowd(t)
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf("functions: {reserved: {http: %q}, polled: {http: %q}, free: {http: %q}}\n",
		reserved.URL, polled.URL, free.URL)})
	awaitFunction(t, g, "free")
	api := g.Lambda()
	_, err := api.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("reserved"), ReservedConcurrentExecutions: aws.Int32(2)})
	require.NoError(t, err)
	for _, name := range []string{"reserved", "polled", "free"} {
		in := apiMapping(name, topic, c.Brokers()[0])
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(5), aws.Int32(0)
		if name == "polled" {
			in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(1), MaximumPollers: aws.Int32(1)}
		}
		made, err := api.CreateEventSourceMapping(t.Context(), in)
		require.NoError(t, err)
		g.MustCLI("wait", aws.ToString(made.UUID), "--settled", "--timeout", "2m")
	}
	require.EqualValues(t, 2, reserved.most.Load())
	require.EqualValues(t, 5, polled.most.Load(), "one poller is five invocations")
	require.Greater(t, free.most.Load(), int64(5), "without a limit the lanes go at once")
}

// awaitFunction waits until the file that a gantry was started with is applied.
func awaitFunction(t *testing.T, g *gantrytest.Gantry, name string) {
	t.Helper()
	api := g.Lambda()
	require.Eventually(t, func() bool {
		_, err := api.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &name})
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
}
