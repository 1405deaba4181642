package kafkatest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/freeport"
)

// A tap shows a client's requests whole and keeps back what it is told to; the requests of
// others pass.
func TestTap(t *testing.T) {
	t.Parallel()
	f := Local(t)
	tap := &Tap{}
	t.Cleanup(tap.close)
	claim, err := freeport.Take()
	require.NoError(t, err)
	t.Cleanup(claim.Release)
	address := fmt.Sprintf("127.0.0.1:%d", claim.Port)
	require.NoError(t, tap.open(address, f.Brokers()[0]))
	seen := make(chan Request, 1)
	tap.Watch("watched", func(r Request) bool {
		if r.Key != int16(kmsg.Metadata) {
			return true
		}
		seen <- r
		return false
	})
	through := func(client string) *kgo.Client {
		return openClient(t, []kgo.Opt{kgo.SeedBrokers(address), kgo.ClientID(client), kgo.RequestRetries(0)})
	}
	ask := func(client string) error {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr("orders")}}
		_, err := req.RequestWith(t.Context(), through(client))
		return err
	}
	require.NoError(t, ask("other"))
	require.Empty(t, seen)
	require.Error(t, ask("watched"))
	r := <-seen
	req, err := r.Decode()
	require.NoError(t, err)
	require.Equal(t, "orders", *req.(*kmsg.MetadataRequest).Topics[0].Topic)
	tap.Watch("watched", nil)
	require.NoError(t, ask("watched"))
}
