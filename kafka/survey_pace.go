package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pace is how much a Surveyor asks of each broker in a second, so that the broker hardly
// notices. The three add up: a request takes its part of the second, each partition it
// asks about its own, and each byte of the answer.
type Pace struct {
	Requests   float64
	Partitions float64 // looked up by time: the broker searches an index and reads a batch
	Bytes      float64
}

func (p Pace) String() string {
	return fmt.Sprintf("at most %.0f requests, %.0f lookups or %.1f MB a second of each broker", p.Requests, p.Partitions, p.Bytes/1e6)
}

// Takes is how long that much takes at this pace, with so many brokers sharing it.
func (p Pace) Takes(requests, partitions int, bytes int64, brokers int) time.Duration {
	seconds := float64(requests)/p.Requests + float64(partitions)/p.Partitions + float64(bytes)/p.Bytes
	return time.Duration(seconds / float64(max(1, brokers)) * float64(time.Second))
}

// pace keeps a Surveyor to its Pace. What was asked is charged when it is known; who asks
// next waits until it is paid off. What was not used is not saved up.
type pace struct {
	limits Pace

	mu      sync.Mutex
	brokers int
	free    time.Time // when what was asked is paid off
}

// turn waits until something may be asked, and charges the partitions of it.
func (p *pace) turn(ctx context.Context, partitions int) error {
	p.mu.Lock()
	wait := time.Until(p.free)
	p.mu.Unlock()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	p.charge(0, partitions, 0)
	return context.Cause(ctx)
}

func (p *pace) charge(requests, partitions, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(p.limits.Takes(requests, partitions, int64(bytes), p.brokers))
}

func (p *pace) share(brokers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brokers = max(1, brokers)
}
