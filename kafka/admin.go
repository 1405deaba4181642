package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// retryFor bounds how long one request is tried again; kgo's own bound is 45 s and more.
const retryFor = 10 * time.Second

// freshness is how old the metadata may be that kadm answers or acts from. With kgo's
// 5 s a topic just created, or just allowed, would still be unknown.
const freshness = 10 * time.Millisecond

// Admin asks a cluster and changes it. Safe for use by many goroutines.
type Admin struct {
	cluster  Cluster
	client   *kgo.Client
	admin    *kadm.Client
	attempts attempts
}

// Open makes an Admin without connecting. Close it.
func Open(c Cluster) (*Admin, error) {
	a := &Admin{cluster: c}
	c.OnConnect = a.attempts.listen(c.OnConnect)
	client, err := kgo.NewClient(append(c.Options(), kgo.RetryTimeout(retryFor), kgo.MetadataMinAge(freshness))...)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", c.Brokers, err)
	}
	a.client, a.admin = client, kadm.NewClient(client)
	return a, nil
}

// Close ends all connections.
func (a *Admin) Close() { a.client.Close() }

// attempts keeps the last failure to connect to each broker. kgo retries connections
// behind the caller's back; when the caller's time runs out, this knows what went wrong.
type attempts struct {
	mu     sync.Mutex
	failed map[string]error
}

func (a *attempts) listen(next func(string, error)) func(string, error) {
	return func(broker string, err error) {
		a.note(err)
		if next != nil {
			next(broker, err)
		}
	}
}

// note keeps what says more: when the caller's time runs out in the middle of an
// attempt, that attempt times out, and the refusals before it are the news.
func (a *attempts) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var connect *ConnectError
	switch {
	case err == nil:
		a.failed = nil
	case errors.As(err, &connect) && !errors.Is(err, context.Canceled):
		if known := a.failed[connect.Broker]; known != nil && timedOut(err) && !timedOut(known) {
			return
		}
		if a.failed == nil {
			a.failed = map[string]error{}
		}
		a.failed[connect.Broker] = connect
	}
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}

// join adds what failed to an error, so that Diagnose sees it, and leaves out what would
// be said twice.
func (a *attempts) join(errs ...error) error {
	if errors.Join(errs...) == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	failed := slices.Collect(maps.Values(a.failed))
	known := errors.Join(failed...)
	rest := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return errors.Is(known, err) })
	return errors.Join(append(rest, failed...)...)
}

func (a *attempts) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = nil
}
