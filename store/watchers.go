package store

import (
	"context"
	"sync"
)

// Watchers is the part of Desired.Watch every implementation needs: it wakes those who
// watch, without ever waiting for them. The zero value is ready, and it owns no
// goroutine.
type Watchers struct {
	mu   sync.Mutex
	open map[chan struct{}]struct{}
}

// Watch gives a channel that holds a value at once and after each Wake. Wakes between
// two reads become one. The channel is closed when ctx ends.
func (w *Watchers) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	ch <- struct{}{}
	w.mu.Lock()
	if w.open == nil {
		w.open = map[chan struct{}]struct{}{}
	}
	w.open[ch] = struct{}{}
	w.mu.Unlock()
	context.AfterFunc(ctx, func() {
		// Under the lock, so that a Wake on its way can't send on a closed channel.
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, ch)
		close(ch)
	})
	return ch
}

// Wake tells every watcher that something changed. Call it after the change can be read.
func (w *Watchers) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.open {
		select {
		case ch <- struct{}{}:
		default: // a wake is waiting already, and its reader will see this change too
		}
	}
}
