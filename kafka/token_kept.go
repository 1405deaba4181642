package kafka

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// defaultTokenLife is assumed of a token that does not say when it ends.
	defaultTokenLife = 5 * time.Minute
	// tokenPause is how long a failure to get a token is remembered: many connections
	// that fail at once ask once.
	tokenPause = time.Second
	// freshToken is an age below which a refusal does not make a token be thrown away:
	// another one would not be better, and the token endpoint is spared.
	freshToken = 5 * time.Second
	// lastMoment is how long before its end a token is not used any more.
	lastMoment = 2 * time.Second
	// worthwhile is what a token should have left, where its life allows: brokers end a
	// session with its token, and refuse to authenticate twice within a second.
	worthwhile = 5 * time.Second
)

// kept keeps a token for four fifths of its life, as Kafka's own client does
// (sasl.login.refresh.window.factor), and asks for the next one a connection at a time.
// When the next one cannot be had, the one at hand is used to its end.
type kept struct {
	source tokenSource
	busy   chan struct{} // holds one while a goroutine works on what follows
	last   token
	failed error
	since  time.Time // of failed

	refused atomic.Bool
}

func keep(source tokenSource) *kept { return &kept{source: source, busy: make(chan struct{}, 1)} }

func (k *kept) check(ctx context.Context) error { return k.source.check(ctx) }

func (k *kept) forget() {
	k.refused.Store(true)
	k.source.forget()
}

func (k *kept) get(ctx context.Context, broker string) (token, error) {
	select {
	case k.busy <- struct{}{}:
		defer func() { <-k.busy }()
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
	now := time.Now()
	if k.refused.Swap(false) && now.Sub(k.last.got) >= freshToken {
		k.last, k.failed = token{}, nil
	}
	if k.last.youngEnough(now) {
		return k.last, nil
	}
	if k.failed == nil || now.Sub(k.since) >= tokenPause {
		next, err := k.source.get(ctx, broker)
		if err == nil {
			k.last, k.failed = next, nil
			return next, nil
		}
		if ctx.Err() != nil {
			return token{}, err // it says nothing of the source
		}
		k.failed, k.since = err, time.Now()
	}
	if k.last.holds(now) {
		return k.last, nil
	}
	return token{}, k.failed
}

// youngEnough says whether a token is used without asking for the next one.
func (t token) youngEnough(now time.Time) bool {
	if t.text == "" {
		return false
	}
	life := defaultTokenLife
	if !t.expires.IsZero() {
		life = t.expires.Sub(t.got)
	}
	return now.Before(t.got.Add(min(life*4/5, life-min(worthwhile, life/2))))
}

// holds says whether a token can be used at all.
func (t token) holds(now time.Time) bool {
	return t.text != "" && (t.expires.IsZero() || now.Before(t.expires.Add(-lastMoment)))
}

// newToken is a token got now; its end is the one named, else that of its claims.
func newToken(text string, expires time.Time) token {
	t := token{text: text, got: time.Now(), expires: expires}
	if c, ok := readClaims(text); ok && t.expires.IsZero() {
		t.expires = c.expiry()
	}
	return t
}
