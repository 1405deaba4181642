package poll

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
)

// Membership is the policy of a group member. The zero value is gantry's own: dynamic,
// cooperative-sticky. An Instance makes it static: a crashed process is back in
// milliseconds instead of a session timeout.
//
// Joining a foreign group means speaking what its members speak: Protocol names the
// assignor its ListGroups shows, or Consumer for a KIP-848 group. An assignor that is
// not known here is refused before the client is made.
type Membership struct {
	Instance  string
	Protocol  string
	Session   time.Duration
	Heartbeat time.Duration
	Rebalance time.Duration
}

// Consumer as a Protocol joins a KIP-848 group, whose assignor is the broker's.
const Consumer = "consumer"

// RebalanceTimeout is every own group's: the longest function and half a minute, so
// that no change of a function needs a new join.
const RebalanceTimeout = 14*time.Minute + 30*time.Second

// protocols lists what can be spoken.
func protocols() []string {
	return []string{"cooperative-sticky", "sticky", "range", "roundrobin", Consumer}
}

// Known says whether a protocol can be spoken.
func (m Membership) Known() bool { return m.Protocol == Consumer || m.balancer() != nil }

func (m Membership) balancer() kgo.GroupBalancer {
	switch m.Protocol {
	case "", "cooperative-sticky":
		return kgo.CooperativeStickyBalancer()
	case "sticky":
		return kgo.StickyBalancer()
	case "range":
		return kgo.RangeBalancer()
	case "roundrobin":
		return kgo.RoundRobinBalancer()
	}
	return nil
}

func (m Membership) options() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SessionTimeout(orDefault(m.Session, mapping.DefaultSessionTimeout)),
		kgo.HeartbeatInterval(m.heartbeat()),
		kgo.RebalanceTimeout(orDefault(m.Rebalance, RebalanceTimeout)),
	}
	if m.Protocol == Consumer {
		opts = append(opts, kgo.ServerSideBalancer())
	} else if b := m.balancer(); b != nil {
		opts = append(opts, kgo.Balancers(b))
	}
	if m.Instance != "" {
		opts = append(opts, kgo.InstanceID(m.Instance))
	}
	return opts
}

// heartbeat is a third of a short session and never more than the default.
func (m Membership) heartbeat() time.Duration {
	if m.Heartbeat > 0 {
		return m.Heartbeat
	}
	return min(mapping.DefaultHeartbeat, orDefault(m.Session, mapping.DefaultSessionTimeout)/3)
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}
