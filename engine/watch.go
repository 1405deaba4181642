package engine

import (
	"sync"
	"sync/atomic"

	"gantry/pipeline"
)

// watchers get the batches of a mapping as they end. Without any, a batch costs one
// atomic load.
type watchers struct {
	count atomic.Int32
	mu    sync.Mutex
	chans map[chan pipeline.Event]struct{}
}

// Watched implements pipeline.Observer.
func (w *watchers) Watched() bool { return w.count.Load() > 0 }

// Saw implements pipeline.Observer. A slow watcher misses batches; it slows none down.
func (w *watchers) Saw(e pipeline.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.chans {
		select {
		case ch <- e:
		default:
		}
	}
}

// watch gives a channel of batches until end is called.
func (w *watchers) watch() (events <-chan pipeline.Event, end func()) {
	ch := make(chan pipeline.Event, 256)
	w.mu.Lock()
	if w.chans == nil {
		w.chans = map[chan pipeline.Event]struct{}{}
	}
	w.chans[ch] = struct{}{}
	w.mu.Unlock()
	w.count.Add(1)
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := w.chans[ch]; ok {
			delete(w.chans, ch)
			w.count.Add(-1)
		}
	}
}

// Watch follows the batches of a mapping, wherever its pipeline restarts, until end is
// called.
func (e *Engine) Watch(uuid string) (events <-chan pipeline.Event, end func(), err error) {
	r, err := e.find(uuid)
	if err != nil {
		return nil, nil, err
	}
	events, end = r.watchers.watch()
	return events, end, nil
}
