package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
)

// provider is a source of tokens that hold for life.
type provider struct {
	life time.Duration
	fail error
	slow time.Duration
	got  int
	told int
}

func (p *provider) check(context.Context) error { return nil }

func (p *provider) forget() { p.told++ }

func (p *provider) get(ctx context.Context, _ string) (token, error) {
	select {
	case <-time.After(p.slow):
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
	if p.got++; p.fail != nil {
		return token{}, p.fail
	}
	return newToken(fmt.Sprintf("token-%d", p.got), time.Now().Add(p.life)), nil
}

func TestATokenIsKeptForFourFifthsOfItsLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: 100 * time.Second}
		k := keep(p)
		text := func() string {
			got, err := k.get(t.Context(), "")
			require.NoError(t, err)
			return got.text
		}
		require.Equal(t, "token-1", text())
		time.Sleep(79 * time.Second)
		require.Equal(t, "token-1", text())
		time.Sleep(time.Second)
		require.Equal(t, "token-2", text())

		p.fail = errors.New("down")
		time.Sleep(81 * time.Second)
		require.Equal(t, "token-2", text(), "while the endpoint is down, the one at hand is used")
		time.Sleep(18 * time.Second)
		_, err := k.get(t.Context(), "")
		require.ErrorIs(t, err, p.fail, "but not when it is about to end")
	})
}

func TestAShortTokenIsReplacedWhileASessionIsWorthwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keep(&provider{life: 6 * time.Second})
		for range 20 {
			got, err := k.get(t.Context(), "")
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Until(got.expires), 3*time.Second)
			time.Sleep(700 * time.Millisecond)
		}
	})
}

func TestARefusedTokenIsThrownAwayButNotOneJustFetched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		k := keep(p)
		refuse := func() {
			_, err := k.get(t.Context(), "")
			require.NoError(t, err)
			k.forget()
		}
		refuse()
		refuse()
		require.Equal(t, 1, p.got, "another one would not be better")
		time.Sleep(freshToken)
		k.forget()
		refuse()
		require.Equal(t, 2, p.got)
		require.Equal(t, 4, p.told)
	})
}

// A thousand connections that fail at once ask the provider once.
func TestConnectionsShareOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []*provider{{life: time.Hour, slow: time.Second}, {fail: errors.New("down"), slow: time.Second}} {
			k := keep(p)
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() {
					_, err := k.get(t.Context(), "")
					require.ErrorIs(t, err, p.fail)
				})
			}
			all.Wait()
			require.Equal(t, 1, p.got)
		}
	})
}

func TestAnImpatientConnectionTakesNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keep(&provider{life: time.Hour, slow: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := k.get(ctx, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err := k.get(t.Context(), "")
		require.NoError(t, err, "the end of one caller's time is no failure of the source")
		require.NotEmpty(t, got.text)
	})
}

func jwtOf(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}

func TestARefusalSaysWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	text := jwtOf(`{"iss": "https://idp", "sub": "gantry", "aud": ["a", "b"], "scope": "read", "exp": 1700000000, "secret": "hunter2"}`)
	at := newToken(text, time.Time{})
	require.Equal(t, time.Unix(1_700_000_000, 0).UTC(), at.expires.UTC())
	_, _, err := bearerSession{token: at}.Challenge([]byte(`{"status":"invalid_token\nx","scope":"write"}`))
	require.ErrorIs(t, err, kerr.SaslAuthenticationFailed)
	require.EqualError(t, err, "the broker refused the token: invalid_token x, it wants scope write; the token says iss=https://idp sub=gantry aud=[a, b] scope=read exp=2023-11-14T22:13:20Z")
	require.Contains(t, Diagnose(err).Try, "scope the broker wants")
	_, _, err = bearerSession{token: newToken("opaque", time.Time{})}.Challenge([]byte("x"))
	require.EqualError(t, err, "the broker refused the token: no reason given")

	shown := fmt.Sprintf("%v %+v %#v %s %x", at, at, at, at, at)
	require.NotContains(t, shown, "c2lnbmF0dXJl")
	require.NotContains(t, shown, strings.Split(text, ".")[1])
}
