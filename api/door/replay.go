package door

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// repeatable is how long a signature may come again. Dates of signatures have whole
	// seconds, so two equal requests of one second carry the same one: a script that
	// invokes twice is no attack. What was caught on the wire comes later.
	repeatable = 2 * time.Second

	// maxSignatures bounds the memory of a busy hour: 64 bytes or so each.
	maxSignatures = 1 << 18
)

// invocationHeader is the id that AWS's clients give a call. Signed, it makes the
// signature one of its own, so there is no reason for it to come twice.
const invocationHeader = "amz-sdk-invocation-id"

// replays remembers the signatures that were let in, until they have expired. Only true
// signatures get here, so a stranger can't fill it. When there are too many, those of
// the oldest second go first, and what is as old as they are is refused from then on.
// The zero value is ready.
type replays struct {
	mu      sync.Mutex
	seen    map[int64]map[[sha256.Size]byte]time.Time // by the second they were made in
	count   int
	floor   int64 // what was signed in this second or before is refused
	swept   int64
	maximum int // 0 = maxSignatures
}

// check refuses a signature that came before, and remembers it otherwise.
func (p *replays) check(r *http.Request, s signature, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	second, key := s.at.Unix(), [sha256.Size]byte(s.value)
	first, again := p.seen[second][key]
	once := slices.Contains(s.headers, invocationHeader) && r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case second <= p.floor:
		return badSignature("Signature expired: %s is too long ago for a gantry that gets so many requests; check the client's clock.", s.atText)
	case again && (once || now.Sub(first) > repeatable):
		return badSignature("Signature was used before: sign each request anew.")
	case again:
		return nil
	}
	if p.seen == nil {
		p.seen = map[int64]map[[sha256.Size]byte]time.Time{}
	}
	if p.seen[second] == nil {
		p.seen[second] = map[[sha256.Size]byte]time.Time{}
	}
	p.seen[second][key] = now
	if p.count++; p.count > p.most() {
		p.forgetOldest()
	}
	return nil
}

func (p *replays) most() int {
	if p.maximum > 0 {
		return p.maximum
	}
	return maxSignatures
}

// sweep drops what has expired, once a second.
func (p *replays) sweep(now time.Time) {
	if p.swept == now.Unix() {
		return
	}
	p.swept = now.Unix()
	for second, signatures := range p.seen {
		if second < now.Add(-skew).Unix() {
			p.count -= len(signatures)
			delete(p.seen, second)
		}
	}
}

func (p *replays) forgetOldest() {
	var oldest int64
	for second := range p.seen {
		if oldest == 0 || second < oldest {
			oldest = second
		}
	}
	p.count -= len(p.seen[oldest])
	delete(p.seen, oldest)
	p.floor = oldest
}
