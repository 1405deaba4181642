//go:build linux

package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// vault keeps secrets by reference, with what it was asked to forget.
type vault struct {
	mu     sync.Mutex
	values map[string]string
	forgot int
	fresh  map[string]string // what values becomes after the next forget
}

func (v *vault) One(_ context.Context, ref string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.values[ref]
	if !ok {
		return "", errors.New("read the secret " + ref + ": it is not there")
	}
	return value, nil
}

func (v *vault) ForgetOne(string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgot++
	if v.fresh != nil {
		v.values = v.fresh
	}
}

func (v *vault) CheckOne(ref string) error {
	if !strings.HasPrefix(ref, "secret:") {
		return errors.New("no rule")
	}
	return nil
}

func (v *vault) set(ref, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[ref] = value
}

func secrets(v *vault, refs map[string]string) option {
	return func(f *function.Function, c *process.Config) {
		f.Secrets, c.Secrets, c.RenewPause = refs, v, 20*time.Millisecond
	}
}

func (r *rig) variables() map[string]string {
	r.t.Helper()
	o := r.invoke(`{"do":"look"}`)
	var seen struct{ Env []string }
	require.NoError(r.t, json.Unmarshal(o.Answer, &seen), o.Message)
	vars := map[string]string{}
	for _, v := range seen.Env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	return vars
}

func TestSecretsAreInjectedAndRotated(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"secret:orders-db": "first-password"}}
	r := newRig(t, secrets(v, map[string]string{"DB_PASSWORD": "secret:orders-db"}))
	require.Equal(t, "first-password", r.variables()["DB_PASSWORD"])
	pid := r.pid()
	v.set("secret:orders-db", "second-password")
	require.Eventually(t, func() bool { return r.variables()["DB_PASSWORD"] == "second-password" }, 10*time.Second, 5*time.Millisecond)
	require.NotEqual(t, pid, r.pid())
	require.Zero(t, r.Stats().Crashes)
}

// A process that is busy while a secret is rotated ends its event first.
func TestRotationCutsNoEvent(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"secret:a": "first-password"}}
	r := newRig(t, secrets(v, map[string]string{"DB_PASSWORD": "secret:a"}))
	done := make(chan function.Outcome, 1)
	go func() { done <- r.invoke(`{"do":"slow","size":300}`) }()
	require.Eventually(t, func() bool { return r.Stats().ColdStarts == 1 }, 10*time.Second, time.Millisecond)
	v.set("secret:a", "second-password")
	o := <-done
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	require.Equal(t, "second-password", r.variables()["DB_PASSWORD"])
}

// A failed invocation may mean that a password was rotated: the secret is read again
// before what is kept of it has expired.
func TestAFailureReadsTheSecretsAgain(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"secret:a": "old-password"}, fresh: map[string]string{"secret:a": "new-password"}}
	r := newRig(t, secrets(v, map[string]string{"DB_PASSWORD": "secret:a"}), func(_ *function.Function, c *process.Config) { c.RenewPause = time.Hour })
	require.Equal(t, "old-password", r.variables()["DB_PASSWORD"])
	require.Equal(t, function.Failed, r.invoke(`{"do":"fail"}`).Class)
	require.Eventually(t, func() bool { return r.variables()["DB_PASSWORD"] == "new-password" }, 10*time.Second, 5*time.Millisecond)
	r.invoke(`{"do":"fail"}`)
	v.mu.Lock()
	defer v.mu.Unlock()
	require.Equal(t, 1, v.forgot, "asked again at every failure")
}

// A secret that is not there is no failure of the function: it was not run.
func TestWithoutItsSecretsNothingRuns(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"secret:b": "there"}}
	r := newRig(t, secrets(v, map[string]string{"A_PASSWORD": "secret:a", "B_PASSWORD": "secret:b", "C_PASSWORD": "secret:c"}))
	o := r.invoke(`{}`)
	require.Equal(t, function.NotReached, o.Class)
	require.Contains(t, o.Message, "secret for A_PASSWORD: read the secret secret:a: it is not there")
	require.Contains(t, o.Message, "secret for C_PASSWORD")
	require.NotContains(t, o.Message, "B_PASSWORD")
	v.set("secret:a", "x")
	v.set("secret:c", "y")
	require.Equal(t, function.Succeeded, r.invoke(`{}`).Class)
}

func TestSecretsAreMaskedInWhatTheFunctionWrites(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"secret:a": `pa"ss-word`}}
	r := newRig(t, secrets(v, map[string]string{"DB_PASSWORD": "secret:a"}))
	o := r.Invoke(t.Context(), function.Invocation{Payload: []byte(`{"do":"tell","path":"DB_PASSWORD"}`), LogTail: true})
	require.Equal(t, function.Failed, o.Class)
	for _, text := range []string{string(o.Answer), o.Message, string(o.Log)} {
		require.NotContains(t, text, "ss-word")
	}
	require.Contains(t, string(o.Log), "it is [secret]")
	require.Contains(t, string(o.Answer), "[secret]")
	_, told := r.logs.find("ss-word")
	require.False(t, told)
}

// The processes of a role have its credentials, and are replaced before those end.
func TestCredentialsAreRenewed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	n := 0
	r := newRig(t, timeout(time.Second), func(_ *function.Function, c *process.Config) {
		c.RenewPause = 10 * time.Millisecond
		c.Credentials = func(context.Context) (process.Credentials, error) {
			mu.Lock()
			defer mu.Unlock()
			n++
			return process.Credentials{AccessKeyID: "ASIAORDERS", SecretAccessKey: "of-the-role", SessionToken: "token", Expires: time.Now().Add(2 * time.Second)}, nil
		}
	})
	vars := r.variables()
	require.Equal(t, []string{"ASIAORDERS", "of-the-role", "token"}, []string{vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"], vars["AWS_SESSION_TOKEN"]})
	first := r.pid()
	require.Eventually(t, func() bool { return r.pid() != first }, 10*time.Second, 20*time.Millisecond)
	require.Zero(t, r.Stats().Crashes)
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.True(t, process.Renewal(time.Time{}, now, time.Minute).IsZero())
	require.Equal(t, now.Add(58*time.Minute), process.Renewal(now.Add(time.Hour), now, time.Minute))
	require.Equal(t, now.Add(5*time.Minute), process.Renewal(now.Add(10*time.Minute), now, 14*time.Minute), "half of what is too short")
}

func TestSecretsWithoutAPlace(t *testing.T) {
	t.Parallel()
	fn := function.Function{Name: "orders", Runtime: "provided.al2023", Secrets: map[string]string{"A_B": "nowhere:a"}}
	_, err := process.New(fn, process.Config{CodeDir: t.TempDir(), DataDir: t.TempDir(), Secrets: &vault{}})
	require.ErrorContains(t, err, "secret for A_B: no rule")
	_, err = process.New(fn, process.Config{CodeDir: t.TempDir(), DataDir: t.TempDir()})
	require.ErrorContains(t, err, "can't be resolved here")
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	err := process.ValidateSecrets(map[string]string{"AWS_REGION": "r", "1": "r", "BOTH": "r", "FINE": "r"}, map[string]string{"BOTH": ""})
	for _, part := range []string{"AWS_REGION: the name is reserved", `"1": a name`, "BOTH: environment has it too"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "FINE")
}
