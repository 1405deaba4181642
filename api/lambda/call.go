package lambda

import (
	"context"
	"net/http"
)

// call is what every operation may ask about the request it answers.
type call struct {
	requestID string
	baseURL   string // as the caller reached us, for links in answers
}

type callKey struct{}

// withCall gives a request its id, unless whoever let it in has put one on the answer.
func (s *Server) withCall(w http.ResponseWriter, r *http.Request) *http.Request {
	c := call{requestID: w.Header().Get("X-Amzn-RequestId"), baseURL: "http://" + r.Host}
	if c.requestID == "" {
		c.requestID = s.cfg.NewID()
	}
	if r.TLS != nil {
		c.baseURL = "https://" + r.Host
	}
	w.Header().Set("X-Amzn-RequestId", c.requestID)
	return r.WithContext(context.WithValue(r.Context(), callKey{}, c))
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}
