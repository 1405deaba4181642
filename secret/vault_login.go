package secret

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// loginFailed is a login that the server refused, or one that could not be tried.
type loginFailed struct{ error }

func (l *loginFailed) Unwrap() error { return l.error }

// login gives the token there is, or a new one.
func (v *vault) login(ctx context.Context) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token != "" && (v.ends.IsZero() || time.Now().Before(v.ends)) {
		return v.token, nil
	}
	token, lease, err := v.enter(ctx)
	if err != nil {
		var refused *vaultError
		if errors.As(err, &refused) || !errors.Is(err, errOutOfReach) {
			err = &loginFailed{fmt.Errorf("log in: %w", err)}
		}
		return "", err
	}
	v.token, v.ends = token, time.Time{}
	if lease > 0 {
		v.ends = time.Now().Add(max(lease-vaultMargin, lease/2))
	}
	return token, nil
}

func (v *vault) logout(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token == token {
		v.token = ""
	}
}

// enter makes a token: how long it lives, 0 = gantry is not told.
func (v *vault) enter(ctx context.Context) (token string, lease time.Duration, err error) {
	switch {
	case v.cfg.AppRole != nil:
		a := v.cfg.AppRole
		role, err1 := v.local(ctx, a.RoleID)
		secret, err2 := v.local(ctx, a.SecretID)
		if err := errors.Join(err1, err2); err != nil {
			return "", 0, err
		}
		return v.auth(ctx, cmp.Or(a.Mount, "approle"), map[string]string{"role_id": role, "secret_id": secret})
	case v.cfg.Kubernetes != nil:
		k := v.cfg.Kubernetes
		jwt, err := v.local(ctx, cmp.Or(k.Token, serviceAccountToken))
		if err != nil {
			return "", 0, err
		}
		return v.auth(ctx, cmp.Or(k.Mount, "kubernetes"), map[string]string{"role": k.Role, "jwt": jwt})
	}
	token, err = v.local(ctx, v.cfg.Token)
	if err == nil && token == "" {
		err = errors.New("the token is empty")
	}
	return token, 0, err
}

func (v *vault) auth(ctx context.Context, mount string, in map[string]string) (string, time.Duration, error) {
	body, err := v.call(ctx, request{method: http.MethodPost, path: "auth/" + strings.Trim(mount, "/") + "/login", body: in})
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease int64  `json:"lease_duration"` // seconds, 0 = the token does not end
		} `json:"auth"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Auth.Token == "" {
		return "", 0, errors.New("the answer to the login has no token")
	}
	return answer.Auth.Token, time.Duration(answer.Auth.Lease) * time.Second, nil
}
