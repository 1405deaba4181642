package fault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
)

// With a rebalance timeout of 14 min 30 s, a group is only as quick as its broker is about
// members that die during a rebalance: it must not wait for them longer than their
// session, and must not take those for dead who wait for an answer.
func TestADeathDuringARebalance(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *kafkatest.Cluster) {
		t.Parallel()
		g := &rawGroup{t: t, cluster: c, name: kafkatest.Topic(t)}
		a := g.member()
		require.NoError(t, a.join())
		require.NoError(t, a.sync())

		b := g.member() // A says nothing more from here on
		began := time.Now()
		require.NoError(t, b.join())
		t.Logf("a member died before it joined again: the others went on after %s", time.Since(began))
		require.Less(t, time.Since(began), 2*rawSession)
		require.NoError(t, b.sync())

		d := g.member()
		joined := make(chan error, 1)
		go func() { joined <- d.join() }()
		b.hears()
		require.NoError(t, b.join(), "B leads and joins again")
		require.NoError(t, <-joined)
		synced := make(chan error, 1)
		go func() { synced <- d.sync() }()
		for range 3 { // D waits for longer than its session; B, who leads, is slow and alive
			pass(rawSession / 2)
			require.NoError(t, b.heartbeat())
		}
		require.NoError(t, b.sync())
		require.NoError(t, <-synced)
		require.NoError(t, d.heartbeat(), "who waits is not dead")

		go func() { joined <- b.join() }() // a leader that joins again makes a rebalance
		d.hears()
		require.NoError(t, d.join())
		require.NoError(t, <-joined)
		began = time.Now() // B leads and dies before it shares the partitions out
		require.ErrorIs(t, d.sync(), kerr.RebalanceInProgress)
		t.Logf("the leader died before it shared out: the others heard it after %s", time.Since(began))
		require.Less(t, time.Since(began), 2*rawSession)
	})
}

const rawSession = 6 * time.Second

// rawGroup speaks the classic protocol request by request.
type rawGroup struct {
	t       *testing.T
	cluster *kafkatest.Cluster
	name    string
}

type rawMember struct {
	*rawGroup
	client     *kgo.Client // of its own: a broker answers a connection's requests in order
	id         string
	generation int32
}

func (g *rawGroup) member() *rawMember { return &rawMember{rawGroup: g, client: g.cluster.Client(g.t)} }

func (m *rawMember) join() error {
	for {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Group, req.MemberID, req.ProtocolType = m.name, m.id, "consumer"
		req.SessionTimeoutMillis = int32(rawSession.Milliseconds())
		req.RebalanceTimeoutMillis = int32((5 * time.Minute).Milliseconds())
		protocol := kmsg.NewJoinGroupRequestProtocol()
		protocol.Name, protocol.Metadata = "range", new(kmsg.ConsumerMemberMetadata).AppendTo(nil)
		req.Protocols = append(req.Protocols, protocol)
		resp, err := req.RequestWith(context.Background(), m.client)
		if err != nil {
			return err
		}
		joined := m.generation > 0
		m.id, m.generation = resp.MemberID, resp.Generation
		switch err = kerr.ErrorForCode(resp.ErrorCode); {
		case errors.Is(err, kerr.MemberIDRequired):
		case errors.Is(err, kerr.UnknownMemberID) && !joined:
			m.id = "" // the coordinator has moved since it gave the id, as on a broker that has just begun
		default:
			return err
		}
	}
}

func (m *rawMember) sync() error {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.name, m.id, m.generation
	protocolType, protocol := "consumer", "range"
	req.ProtocolType, req.Protocol = &protocolType, &protocol
	resp, err := req.RequestWith(context.Background(), m.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// hears waits until a heartbeat says that a rebalance is under way.
func (m *rawMember) hears() {
	m.t.Helper()
	require.Eventually(m.t, func() bool { return m.heartbeat() == kerr.RebalanceInProgress }, rawSession, 20*time.Millisecond) //nolint:errorlint // a code of the protocol
}

func (m *rawMember) heartbeat() error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.name, m.id, m.generation
	resp, err := req.RequestWith(context.Background(), m.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}
