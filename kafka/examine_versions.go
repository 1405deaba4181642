package kafka

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// feature is what a broker can do since a version, known by a request it serves.
type feature struct {
	key     kmsg.Key
	version int16
	since   string
	what    string
	must    bool // gantry does not work without it
}

// features are what gantry uses of brokers; without those that are not a must, what says
// what is missing.
var features = []feature{
	{kmsg.Fetch, 4, "0.11", "records with headers, and read_committed", true},
	{kmsg.JoinGroup, 5, "2.3", "static members: without them a process that crashed is missed for its session timeout", false},
	{kmsg.Metadata, 10, "2.8", "topic ids: without them a topic that was made again is not noticed by its id", false},
	{kmsg.ListGroups, 5, "3.8", "group types in the list of groups: every group is taken for a classic one, and there are no others", false},
	{kmsg.ConsumerGroupHeartbeat, 0, "4.0", "groups of the new protocol (KIP-848): gantry's own are classic and do not need it", false},
	{kmsg.ShareFetch, 1, "4.1", "share groups (KIP-932): for queue mode only", false},
}

func guess(resp *kmsg.ApiVersionsResponse) string {
	return "Kafka " + strings.TrimPrefix(kversion.FromApiVersionsResponse(resp).VersionGuess(), "v")
}

// examineVersions says what the brokers' version lacks of what gantry uses.
func (a *Admin) examineVersions(ctx context.Context) Step {
	var lacking []string
	missing := false
	s := try(ctx, "look for features the brokers' version lacks", func(ctx context.Context) (string, error) {
		brokers := a.client.DiscoveredBrokers()
		if len(brokers) == 0 {
			brokers = a.client.SeedBrokers()
		}
		resp, err := apiVersions(ctx, brokers[0])
		if err != nil {
			return "", a.attempts.join(err)
		}
		serves := map[int16]int16{}
		for _, k := range resp.ApiKeys {
			serves[k.ApiKey] = k.MaxVersion
		}
		for _, f := range features {
			if most, ok := serves[f.key.Int16()]; !ok || most < f.version {
				lacking = append(lacking, fmt.Sprintf("%s (since %s)", f.what, f.since))
				missing = missing || f.must
			}
		}
		if len(lacking) == 0 {
			return guess(resp) + " lacks nothing", nil
		}
		return guess(resp) + " lacks: " + strings.Join(lacking, "; "), nil
	})
	if missing {
		s.Result, s.Try = Failed, "gantry needs brokers of Kafka 0.11 or newer"
	}
	return s
}

// skewAllowed is what clocks may differ by before it matters: signatures and tokens are
// good for some minutes.
const skewAllowed = 5 * time.Second

// examineClock compares this machine's clock with the newest timestamp in the topics that
// are needed, or in the group coordinator's own. Kafka tells no time: one that is ahead is
// certain, one that is behind can't be told from silence.
func (a *Admin) examineClock(ctx context.Context, needs []Need) Step {
	topics := []string{"__consumer_offsets"} // the brokers' own clock, where it may be seen
	for _, n := range needs {
		if n.Resource == "topic" {
			topics = append(topics, n.Name)
		}
	}
	var newest time.Time
	var where string
	s := try(ctx, "compare clocks", func(ctx context.Context) (string, error) {
		for _, topic := range topics {
			listed, err := a.admin.ListMaxTimestampOffsets(ctx, topic)
			if err != nil {
				continue // it may not be seen, or is not there: another step says so
			}
			for p, o := range listed[topic] {
				if at := time.UnixMilli(o.Timestamp); o.Err == nil && o.Timestamp > 0 && at.After(newest) {
					newest, where = at, fmt.Sprintf("%s-%d", topic, p)
				}
			}
		}
		return "", ctx.Err()
	})
	ahead := time.Until(newest)
	switch {
	case s.Result == Failed:
	case newest.IsZero():
		s.Result, s.Detail = Skipped, "no timestamp can be seen in "+strings.Join(topics, ", ")
	case ahead > skewAllowed:
		s.Result = Warning
		s.Detail = fmt.Sprintf("the newest record of %s is %s ahead of this machine's clock", where, ahead.Round(time.Millisecond))
		s.Try = "set this machine's clock, the brokers' and the producers' by NTP: timestamps decide record age and AT_TIMESTAMP, and logins by token depend on the clock"
	default:
		s.Detail = fmt.Sprintf("no timestamp is ahead of this machine's clock; the newest, of %s, is %s old", where, (-ahead).Round(time.Millisecond))
	}
	return s
}
