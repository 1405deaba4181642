package cloud

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

// source gives credentials that live for a while, or fails.
type source struct {
	mu    sync.Mutex
	lives time.Duration
	fails error
	asked int
}

func (s *source) Retrieve(context.Context) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fails != nil {
		return aws.Credentials{}, s.fails
	}
	return aws.Credentials{
		AccessKeyID: "ASIAEXAMPLE123456789", SecretAccessKey: "never-shown", SessionToken: "never-shown-either",
		Source: "Test", CanExpire: s.lives > 0, Expires: time.Now().Add(s.lives),
	}, nil
}

func (s *source) set(fails error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = fails
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// said is a log that is written while a test reads it.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// bubble keeps the credentials of a source in a Cloud that runs, on a clock of its own.
func bubble(t *testing.T, s *source, window time.Duration, test func(t *testing.T, c *Cloud, k *keeper, log *said)) {
	synctest.Test(t, func(t *testing.T) {
		var log said
		c := New(Config{}, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
		k := c.keep("gantry", s, window)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		test(t, c, k, &log)
		stop()
		running.Wait()
	})
}

// pass lets time pass, and what is due in it come to its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCredentialsAreRenewedBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	s := &source{lives: time.Hour}
	bubble(t, s, gantryWindow, func(t *testing.T, c *Cloud, k *keeper, log *said) {
		pass(3 * time.Hour)
		require.Zero(t, s.count(), "credentials that nobody uses are not asked for")
		require.Empty(t, c.Identities())
		_, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err)
		pass(49 * time.Minute)
		require.Equal(t, 1, s.count())
		pass(2 * time.Minute)
		require.Equal(t, 2, s.count(), "ten minutes before the end")
		id := c.Identities()[0]
		require.True(t, id.Good())
		require.Equal(t, int64(1), id.Renewals)
		require.Equal(t, "…6789", id.KeyID)
		require.Contains(t, log.String(), `"event":"aws.credentials.obtained"`)
		require.Contains(t, log.String(), `"event":"aws.credentials.renewed"`)
		require.NotContains(t, log.String(), "never-shown")
		require.NotContains(t, log.String(), "ASIAEXAMPLE")
	})
}

// While a renewal fails, what is there goes on being used until its real end.
func TestARenewalThatFails(t *testing.T) {
	t.Parallel()
	s := &source{lives: time.Hour}
	bubble(t, s, gantryWindow, func(t *testing.T, c *Cloud, k *keeper, log *said) {
		_, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err)
		s.set(errors.New("the signing helper was not found"))
		pass(55 * time.Minute)
		v, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err, "they hold for five minutes more")
		require.Equal(t, "never-shown", v.SecretAccessKey)
		id := c.Identities()[0]
		require.True(t, id.Good())
		require.Positive(t, id.Failures)
		require.Contains(t, id.LastError, "signing helper")
		require.Contains(t, log.String(), `"event":"aws.credentials.renewal_failed"`)

		pass(6 * time.Minute)
		_, err = k.cache.Retrieve(t.Context())
		require.ErrorContains(t, err, "get credentials for AWS (gantry): the signing helper was not found")
		require.False(t, c.Identities()[0].Good())
		require.Contains(t, log.String(), `"event":"aws.credentials.failed"`)

		s.set(nil)
		pass(renewTick)
		id = c.Identities()[0]
		require.True(t, id.Good(), "it came back by itself")
		require.Empty(t, id.LastError)
	})
}

func TestShortLivedCredentials(t *testing.T) {
	t.Parallel()
	s := &source{lives: 4 * time.Minute}
	bubble(t, s, gantryWindow, func(t *testing.T, _ *Cloud, k *keeper, _ *said) {
		_, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err)
		pass(time.Hour)
		require.InDelta(t, 30, s.count(), 4, "at half of their time, not at every look")
	})
}

func TestCredentialsOfFunctionsAreRenewedAtHalfOfTheirTime(t *testing.T) {
	t.Parallel()
	s := &source{lives: time.Hour}
	bubble(t, s, roleWindow, func(t *testing.T, _ *Cloud, k *keeper, _ *said) {
		_, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err)
		pass(29 * time.Minute)
		require.Equal(t, 1, s.count())
		pass(2 * time.Minute)
		require.Equal(t, 2, s.count())
		k.mu.Lock()
		defer k.mu.Unlock()
		require.WithinDuration(t, time.Now().Add(59*time.Minute), k.value.Expires, time.Minute, "the real end")
	})
}

func TestCredentialsThatDoNotExpire(t *testing.T) {
	t.Parallel()
	s := &source{}
	bubble(t, s, gantryWindow, func(t *testing.T, c *Cloud, k *keeper, _ *said) {
		_, err := k.cache.Retrieve(t.Context())
		require.NoError(t, err)
		pass(100 * time.Hour)
		require.Equal(t, 1, s.count())
		require.True(t, c.Identities()[0].Good())
	})
}

func TestCredentialsThatCameExpired(t *testing.T) {
	t.Parallel()
	c := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
	k := c.keep("gantry", expired{}, gantryWindow)
	_, err := k.cache.Retrieve(t.Context())
	require.ErrorContains(t, err, "check the clock")
	k.next = nil
	_, err = k.cache.Retrieve(t.Context())
	require.ErrorContains(t, err, "there are none")
}

type expired struct{}

func (expired) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "A", SecretAccessKey: "S", CanExpire: true, Expires: time.Now().Add(-time.Minute)}, nil
}
