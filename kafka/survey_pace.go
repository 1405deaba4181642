package kafka

import (
	"context"
	"fmt"
	"slices"
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

	// Share is how much of a core lookups by time may take. What one takes differs a
	// hundredfold, with how large batches are and how they are compressed, so it is
	// measured by how long the broker is about it. 0 = it is not looked at.
	Share float64
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
	recent  []time.Duration
}

// lately is how many requests the time of a lookup is judged by: the quickest of them. All
// else that a machine does can only add to it.
const lately = 16

// took notes how long a broker was about one lookup.
func (p *pace) took(each time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent = append(p.recent, max(0, each))
	p.recent = p.recent[max(0, len(p.recent)-lately):]
}

// now is the pace with as many lookups a second as the share allows.
func (p *pace) now() Pace {
	limits := p.limits
	if limits.Share > 0 && len(p.recent) > 0 {
		if each := slices.Min(p.recent).Seconds(); each > 0 {
			limits.Partitions = min(limits.Partitions, limits.Share/each)
		}
	}
	return limits
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
	p.free = p.free.Add(p.now().Takes(requests, partitions, int64(bytes), p.brokers))
}

func (p *pace) share(brokers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brokers = max(1, brokers)
}
