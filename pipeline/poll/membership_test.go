package poll_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/pipeline/poll"
)

// requests keeps what a member asks its group for.
type requests struct {
	mu  sync.Mutex
	all []kmsg.Request
}

func (s *requests) listen(f *kafkatest.Fake, keys ...kmsg.Key) {
	for _, key := range keys {
		f.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			f.KeepControl()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.all = append(s.all, req)
			return nil, nil, false
		})
	}
}

// last is the last request of a kind, or nil.
func last[R kmsg.Request](s *requests) (found R) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, req := range s.all {
		if r, ok := req.(R); ok {
			found = r
		}
	}
	return found
}

// joins runs a member for a while and gives what it asked for.
func joins(t *testing.T, m poll.Membership) *requests {
	t.Helper()
	f, seen, asked := kafkatest.Virtual(t), &listener{}, &requests{}
	require.NoError(t, f.CreateTopic("orders", 2, nil))
	kafkatest.ProduceValues(t, f, "orders", 0, "a")
	asked.listen(f, kmsg.JoinGroup, kmsg.LeaveGroup, kmsg.ConsumerGroupHeartbeat)
	p, err := poll.New(poll.Config{
		Options: f.Options(), Dial: f.Dial, Group: "g", Topics: []string{"orders"}, Membership: m,
		Positions: map[string]map[int32]int64{"orders": {0: 0, 1: 0}}, Log: slog.New(slog.DiscardHandler),
	}, seen)
	require.NoError(t, err)
	p.Use(nil, seen)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	time.Sleep(20 * time.Second) // the bubble's clock
	require.EqualValues(t, 1, seen.records.Load(), "it reads")
	stop()
	<-done
	require.NoError(t, p.Close(context.Background()))
	return asked
}

// An own group: the longest function and half a minute for a rebalance, 45 s for a session,
// a static member that leaves by its instance id.
func TestAnOwnGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := joins(t, poll.Membership{Instance: "here-orders"})
		join := last[*kmsg.JoinGroupRequest](asked)
		require.Equal(t, 870*time.Second, time.Duration(join.RebalanceTimeoutMillis)*time.Millisecond)
		require.Equal(t, 45*time.Second, time.Duration(join.SessionTimeoutMillis)*time.Millisecond)
		require.Equal(t, "here-orders", *join.InstanceID)
		require.Len(t, join.Protocols, 1)
		require.Equal(t, "cooperative-sticky", join.Protocols[0].Name)
		leave := last[*kmsg.LeaveGroupRequest](asked)
		require.Len(t, leave.Members, 1)
		require.Equal(t, "here-orders", *leave.Members[0].InstanceID)
	})
}

// A foreign group is joined with just the protocol its members speak, as a dynamic member.
func TestAForeignGroup(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"cooperative-sticky", "sticky", "range", "roundrobin"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				join := last[*kmsg.JoinGroupRequest](joins(t, poll.Membership{Protocol: protocol, Rebalance: time.Minute}))
				require.Len(t, join.Protocols, 1)
				require.Equal(t, protocol, join.Protocols[0].Name)
				require.Equal(t, time.Minute, time.Duration(join.RebalanceTimeoutMillis)*time.Millisecond)
				require.Nil(t, join.InstanceID)
			})
		})
	}
	t.Run("KIP-848", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			asked := joins(t, poll.Membership{Protocol: poll.Consumer})
			require.NotNil(t, last[*kmsg.ConsumerGroupHeartbeatRequest](asked))
			require.Nil(t, last[*kmsg.JoinGroupRequest](asked), "a classic join would convert the group")
		})
	})
}

// Another assignor would share the partitions out by other rules than the members': refused.
func TestAnUnknownProtocolIsRefused(t *testing.T) {
	t.Parallel()
	_, err := poll.New(poll.Config{Group: "billing", Topics: []string{"orders"}, Membership: poll.Membership{Protocol: "rack-aware"}}, &listener{})
	require.ErrorContains(t, err, `join group billing: its protocol "rack-aware" is not known here; these are: cooperative-sticky, sticky, range, roundrobin, consumer`)
}
