package secret

import (
	"context"
	"errors"
	"sync"
	"time"
)

// staleFor is how long an expired secret stays in use while its place can't be reached.
const staleFor = 30 * time.Second

// cache keeps what was fetched. One fetch of a secret is in flight at a time: a hundred
// mappings that start together ask for it once.
type cache struct {
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	turn chan struct{} // holds one token; whoever has it may fetch

	value   Value
	expires time.Time
	filled  bool
}

func (c *cache) entry(ref string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[ref]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		if c.entries == nil {
			c.entries = map[string]*entry{}
		}
		c.entries[ref] = e
	}
	return e
}

// forget lets a fetch that is under way finish for those who wait for it: they asked
// before. Whoever asks from now on gets a new entry.
func (c *cache) forget(ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, ref)
}

func (c *cache) get(ctx context.Context, ref string, from place) (Value, error) {
	e := c.entry(ref)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return Value{}, context.Cause(ctx)
	}
	if e.filled && time.Now().Before(e.expires) {
		return e.value, nil
	}
	value, err := from.fetch(ctx)
	switch {
	case err == nil:
		e.value, e.expires, e.filled = value, time.Now().Add(from.expiry), true
	case e.filled && errors.Is(err, errOutOfReach):
		// A broken line to the secrets' place must not stop a Kafka client that only
		// wants to log in again with a password that most likely still holds. If it
		// does not, the failed login forgets the secret.
		e.expires = time.Now().Add(staleFor)
	default:
		return Value{}, err
	}
	return e.value, nil
}

// errOutOfReach marks a fetch that failed on the way, not by a refusal.
var errOutOfReach = errors.New("its place could not be reached")
