package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestJavaClass(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		kerr.TopicAuthorizationFailed:  "TopicAuthorizationException",
		kerr.GroupAuthorizationFailed:  "GroupAuthorizationException",
		kerr.SaslAuthenticationFailed:  "SaslAuthenticationException",
		kerr.RebalanceInProgress:       "RebalanceInProgressException",
		kerr.UnknownTopicOrPartition:   "UnknownTopicOrPartitionException",
		kerr.OffsetOutOfRange:          "OffsetOutOfRangeException",
		kerr.NotLeaderForPartition:     "NotLeaderOrFollowerException",
		kerr.RequestTimedOut:           "TimeoutException",
		context.DeadlineExceeded:       "TimeoutException",
		kerr.CoordinatorLoadInProgress: "CoordinatorLoadInProgressException",
	} {
		require.Equal(t, "org.apache.kafka.common.errors."+want, JavaClass(fmt.Errorf("fetch: %w", err)))
	}
}

func TestSecurityProtocol(t *testing.T) {
	t.Parallel()
	require.Equal(t, "PLAINTEXT", Cluster{}.SecurityProtocol())
	require.Equal(t, "SSL", Cluster{TLS: &tls.Config{}}.SecurityProtocol())
	require.Equal(t, "SASL_PLAINTEXT", Cluster{Mechanism: Plain}.SecurityProtocol())
	require.Equal(t, "SASL_SSL", Cluster{Mechanism: ScramSHA512, TLS: &tls.Config{}}.SecurityProtocol())
}
