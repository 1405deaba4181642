package door

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// anonymous is the actor of a request that names no key, where that is accepted.
const anonymous = "anonymous"

// requestIDHeader is where AWS's clients look for the id of a request.
const requestIDHeader = "X-Amzn-Requestid"

type (
	callerKey    struct{}
	requestIDKey struct{}
)

type caller struct {
	actor    string
	role     Role
	function string // that the key speaks for; "" = none
}

func withCaller(r *http.Request, c caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// Actor gives the access key id a request came in with; "" outside of a request. Where
// any credentials are accepted it is only what the caller claims.
func Actor(ctx context.Context) string {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.actor
}

// RoleOf gives the role of the key a request came in with; "" where there is none.
func RoleOf(ctx context.Context) Role {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.role
}

// FunctionOf gives the function that the key of a request speaks for; "" where it speaks
// for a person or a program.
func FunctionOf(ctx context.Context) string {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.function
}

// RequestID gives the id the door gave a request; "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// withRequestID names a request in its answer and in its context. A client's own
// x-amzn-RequestId is not believed: two requests could carry the same.
func withRequestID(w http.ResponseWriter, r *http.Request) (*answer, *http.Request) {
	id := uuid.NewString()
	w.Header().Set(requestIDHeader, id)
	return &answer{ResponseWriter: w}, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
}

// claimedKey gives the key id a header names, without asking whether it is true.
func claimedKey(r *http.Request) string {
	_, rest, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, scoped := strings.Cut(rest, "/")
	if !found || !scoped || !keyID.MatchString(id) {
		return anonymous
	}
	return id
}
