package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// gantryWindow is how long before their end gantry's own credentials are renewed. Those
// of functions are renewed after half of their time (roleWindow): each process that is
// started should have some that last.
const (
	gantryWindow = 10 * time.Minute
	roleWindow   = longestSession
)

// retryPause is how long credentials that could not be renewed are used before the next
// attempt.
const retryPause = 30 * time.Second

// Identity is what may be shown of some credentials.
type Identity struct {
	Name      string    `json:"name"`                // gantry, or the function and the role
	Source    string    `json:"source,omitempty"`    // as the SDK names it
	KeyID     string    `json:"keyId,omitempty"`     // the end of the access key id
	Obtained  time.Time `json:"obtained,omitzero"`   // the ones in use
	Expires   time.Time `json:"expires,omitzero"`    // zero = never
	Renewals  int64     `json:"renewals"`            // successful ones, the first not counted
	Failures  int64     `json:"failures"`            // attempts that failed
	LastError string    `json:"lastError,omitempty"` // of the last attempt, if it failed
}

// Good says whether there are credentials that hold.
func (i Identity) Good() bool {
	return !i.Obtained.IsZero() && (i.Expires.IsZero() || time.Now().Before(i.Expires))
}

// keeper keeps one identity's credentials in an SDK cache, and notes what happens to
// them. It is the provider behind that cache.
type keeper struct {
	log   *slog.Logger
	cache *aws.CredentialsCache

	mu    sync.Mutex
	next  aws.CredentialsProvider
	state Identity
	value aws.Credentials // with its real end
	said  time.Time       // when a failure was last logged
}

// keep makes the keeper of an identity. Called with c.mu held.
func (c *Cloud) keep(name string, next aws.CredentialsProvider, window time.Duration) *keeper {
	k := &keeper{next: next, log: c.o.Log.With("identity", name), state: Identity{Name: name}}
	k.cache = aws.NewCredentialsCache(k, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = window })
	c.keepers = append(c.keepers, k)
	return k
}

// follow takes credentials from elsewhere from now on.
func (k *keeper) follow(next aws.CredentialsProvider) {
	k.mu.Lock()
	k.next = next
	k.mu.Unlock()
	k.cache.Invalidate()
}

// Retrieve gets new credentials from their source, past any cache of the SDK's in between.
func (k *keeper) Retrieve(ctx context.Context) (aws.Credentials, error) {
	k.mu.Lock()
	next := k.next
	k.mu.Unlock()
	if inner, ok := next.(*aws.CredentialsCache); ok {
		inner.Invalidate()
	}
	if next == nil {
		return aws.Credentials{}, k.failed(errors.New("there are none: set aws: in the configuration, or AWS's variables"))
	}
	v, err := next.Retrieve(ctx)
	if err == nil && v.CanExpire && !time.Now().Before(v.Expires) {
		err = fmt.Errorf("those that came expired at %s; check the clock of this machine", v.Expires.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return v, k.failed(err)
	}
	k.obtained(v)
	return v, nil
}

func (k *keeper) obtained(v aws.Credentials) {
	k.mu.Lock()
	defer k.mu.Unlock()
	renewed := !k.state.Obtained.IsZero()
	if renewed {
		k.state.Renewals++
	}
	k.value = v
	k.state.Source, k.state.KeyID, k.state.Obtained = v.Source, ending(v.AccessKeyID), time.Now()
	k.state.Expires, k.state.LastError = time.Time{}, ""
	if v.CanExpire {
		k.state.Expires = v.Expires
	}
	if renewed {
		k.log.Info("credentials for AWS renewed", "event", "aws.credentials.renewed", "source", v.Source, "key", k.state.KeyID, "expires", k.state.Expires)
		return
	}
	k.log.Info("credentials for AWS obtained", "event", "aws.credentials.obtained", "source", v.Source, "key", k.state.KeyID, "expires", k.state.Expires)
}

func (k *keeper) failed(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.Failures++
	again := k.state.LastError == err.Error() && time.Since(k.said) < time.Minute
	k.state.LastError = err.Error()
	wrapped := fmt.Errorf("get credentials for AWS (%s): %w", k.state.Name, err)
	if again { // every call that needs credentials may come here
		return wrapped
	}
	k.said = time.Now()
	if k.state.Good() {
		k.log.Warn("credentials for AWS were not renewed; those in use hold for now", "event", "aws.credentials.renewal_failed",
			"expires", k.state.Expires, "left", time.Until(k.state.Expires).Round(time.Second), "error", err)
	} else {
		k.log.Error("no credentials for AWS", "event", "aws.credentials.failed", "error", err)
	}
	return wrapped
}

// HandleFailToRefresh goes on with credentials that still hold, for a while.
func (k *keeper) HandleFailToRefresh(_ context.Context, _ aws.Credentials, err error) (aws.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.state.Good() {
		return aws.Credentials{}, err
	}
	v := k.value
	v.Expires = earlier(v.Expires, time.Now().Add(retryPause))
	return v, nil
}

// AdjustExpiresBy says when the cache asks again: the window before the end, but for
// short-lived credentials after half of their time. Those of a failed renewal come here
// with an end of our own and keep it.
func (k *keeper) AdjustExpiresBy(v aws.Credentials, window time.Duration) (aws.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.LastError == "" {
		left := time.Until(v.Expires)
		v.Expires = earlier(v.Expires, time.Now().Add(max(left+window, left/2, 10*time.Second)))
	}
	return v, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// ending is as much of an access key id as is shown: enough to tell two apart.
func ending(id string) string {
	if len(id) < 12 {
		return "…"
	}
	return "…" + id[len(id)-4:]
}

// due says whether the keeper's credentials are in use and to be renewed now.
func (k *keeper) due() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.state.Obtained.IsZero() && !k.state.Expires.IsZero()
}

// renewTick is how often Run looks.
const renewTick = 15 * time.Second

// Run renews credentials in use before they expire, until ctx ends.
func (c *Cloud) Run(ctx context.Context) {
	tick := time.NewTicker(renewTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, k := range c.all() {
			if k.due() {
				_, _ = k.cache.Retrieve(ctx) // asks the source when it is time; what fails is noted there
			}
		}
	}
}

func (c *Cloud) all() []*keeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*keeper(nil), c.keepers...)
}

// Identities shows the credentials that were asked for so far.
func (c *Cloud) Identities() []Identity {
	var out []Identity
	for _, k := range c.all() {
		k.mu.Lock()
		state := k.state
		k.mu.Unlock()
		if !state.Obtained.IsZero() || state.Failures > 0 {
			out = append(out, state)
		}
	}
	return out
}
