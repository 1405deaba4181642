package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

const retryEvery = 100 * time.Millisecond

// insist asks again while the cluster is only moving house: a coordinator that is being
// found or loaded, also on the first use of any group, a leader being chosen. kgo gives
// up on some of these after one try. It ends with retryFor, with ctx, or with any other
// answer.
func insist(ctx context.Context, ask func() error) error {
	until := time.Now().Add(retryFor)
	for {
		err := ask()
		if err == nil || !moving(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(retryEvery):
		}
	}
}

func moving(err error) bool {
	for _, transient := range []error{
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.LeaderNotAvailable, kerr.NotLeaderForPartition,
	} {
		if errors.Is(err, transient) {
			return true
		}
	}
	return false
}
