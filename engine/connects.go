package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// connect is how an attempt to connect to a broker went; err is nil where it worked.
type connect struct {
	broker string // host:port
	err    error
}

// unreachedFor is how long a failed attempt counts: a broker that the client needs is
// tried again within seconds, one that it does not need any more is not.
const unreachedFor = time.Minute

// watchConnects shows which brokers can't be reached, until they can or are not asked any
// more. What it shows changes when that changes, not with every attempt: of three brokers
// of which one is blocked, connections to the others succeed all the time.
func (r *running) watchConnects(ctx context.Context) {
	known := connections{failed: map[string]failure{}, good: map[string]bool{}}
	look := time.NewTimer(time.Hour)
	defer look.Stop()
	shown := false
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-r.connects:
			known.note(c, time.Now())
			if c.err != nil {
				look.Reset(unreachedFor)
				r.pipe.NotConnected(c.err)
			}
		case <-look.C:
			known.expire(time.Now())
			look.Reset(unreachedFor)
		}
		if err := known.trouble(); err != nil || shown {
			shown = err != nil
			r.pipe.Unreached(err)
		}
	}
}

// connections is what is known of the brokers of a cluster.
type connections struct {
	failed map[string]failure
	good   map[string]bool
}

type failure struct {
	err error
	at  time.Time
}

func (k *connections) note(c connect, now time.Time) {
	if c.err == nil {
		delete(k.failed, c.broker)
		k.good[c.broker] = true
		return
	}
	delete(k.good, c.broker)
	k.failed[c.broker] = failure{c.err, now}
}

func (k *connections) expire(now time.Time) {
	maps.DeleteFunc(k.failed, func(_ string, f failure) bool { return now.Sub(f.at) >= unreachedFor })
}

// trouble is nil while every broker that is asked answers.
func (k *connections) trouble() error {
	brokers := slices.Sorted(maps.Keys(k.failed))
	if len(brokers) == 0 {
		return nil
	}
	var errs []error
	for _, b := range brokers {
		errs = append(errs, k.failed[b].err)
	}
	if len(k.good) == 0 {
		return errors.Join(errs...)
	}
	return fmt.Errorf("%d of %d brokers can't be reached: %w", len(brokers), len(brokers)+len(k.good), errors.Join(errs...))
}
