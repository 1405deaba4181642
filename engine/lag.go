package engine

import (
	"context"
	"sync"
	"time"

	"gantry/record"
)

// Lag is how far a mapping is behind in the partitions this process holds: the end of the
// log less the committed offset (AWS's MaxOffsetLag and SumOffsetLag). Offsets have holes,
// so it is an upper bound of records.
type Lag struct {
	Max int64
	Sum int64
	At  time.Time // when the ends were asked for
}

// How old a lag may be before it is measured again, how long somebody waits for that, when
// one that can't be measured any more is forgotten, and how many are measured at once.
const (
	lagFresh   = 10 * time.Second
	lagWait    = 2 * time.Second
	lagForget  = 3 * time.Minute
	lagAtOnce  = 16
	lagTimeout = 20 * time.Second
)

// lagMeter keeps the last lag of a running mapping. Nothing is asked while nobody looks.
type lagMeter struct {
	mu   sync.Mutex
	last Lag
	busy chan struct{} // closed when the measurement under way has ended; nil = there is none
}

// Lags gives the lag of every mapping at work here, measured now where the last
// measurement is older than ten seconds. A mapping whose cluster does not answer within
// two seconds has its last one, and none after three minutes.
func (e *Engine) Lags(ctx context.Context) map[string]Lag {
	ctx, cancel := context.WithTimeout(ctx, lagWait)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]Lag{}
	places := make(chan struct{}, lagAtOnce)
	for uuid, run := range e.atWork() {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if lag, ok := run.lag(ctx); ok {
				mu.Lock()
				defer mu.Unlock()
				out[uuid] = lag
			}
		})
	}
	wg.Wait()
	return out
}

// Lag is Lags for one mapping; false where there is none.
func (e *Engine) Lag(ctx context.Context, uuid string) (Lag, bool) {
	r, err := e.find(uuid)
	if err != nil {
		return Lag{}, false
	}
	run := r.current()
	if run == nil {
		return Lag{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, lagWait)
	defer cancel()
	return run.lag(ctx)
}

func (e *Engine) atWork() map[string]*running {
	e.mu.Lock()
	runners := make(map[string]*runner, len(e.runners))
	for id, r := range e.runners {
		runners[id] = r
	}
	e.mu.Unlock()
	out := map[string]*running{}
	for id, r := range runners {
		if run := r.current(); run != nil {
			out[id] = run
		}
	}
	return out
}

func (r *running) lag(ctx context.Context) (Lag, bool) {
	m := &r.meter
	m.mu.Lock()
	if time.Since(m.last.At) >= lagFresh && m.busy == nil {
		m.busy = make(chan struct{})
		go r.measure(m.busy)
	}
	busy := m.busy
	m.mu.Unlock()
	if busy != nil {
		select {
		case <-busy:
		case <-ctx.Done():
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, time.Since(m.last.At) < lagForget
}

// ends asks the cluster where its partitions end.
func (r *running) ends(limit time.Duration) (map[record.Partition]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return r.poller.Ends(ctx)
}

// measure asks the cluster once. It outlives who asked: the next one finds its answer.
func (r *running) measure(done chan struct{}) {
	at := time.Now()
	ends, err := r.ends(lagTimeout)
	lag := Lag{At: at}
	for _, l := range r.pipe.Snapshot().Lanes {
		behind := max(0, ends[l.Partition]-l.Committed)
		lag.Sum += behind
		lag.Max = max(lag.Max, behind)
	}
	r.meter.mu.Lock()
	defer r.meter.mu.Unlock()
	if err == nil { // what keeps the cluster from answering shows in the mapping's status
		r.meter.last = lag
	}
	r.meter.busy = nil
	close(done)
}
