// Package fakelambda is AWS Lambda's Invoke, and a function behind HTTP, as suites need
// them: they throttle, lie, hang, die, and answer after the connection is cut.
//
// Flow: a suite queues steps with Do; each call takes the next one, and the last stays
// for all that follow. What a call brought, and whether the function has run for it, is
// kept in Calls, so a suite can compare what a client believes with what happened.
//
// A path under /2015-03-31/functions/ is answered as AWS does, any other as a plain
// service does: the same step Fail is status 200 with X-Amz-Function-Error there and
// status 500 here.
package fakelambda

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Server is one fake. Safe for use by many goroutines.
type Server struct {
	URL string // http://host:port, without a path

	http    http.Server
	closing chan struct{}
	closed  sync.Once

	mu    sync.Mutex
	steps []Step
	calls []*Call

	configuration string // what GetFunctionConfiguration answers; "" = it is denied
}

// Configure sets what GetFunctionConfiguration answers, as JSON; "" denies it.
func (s *Server) Configure(answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configuration = answer
}

// configured answers GetFunctionConfiguration.
func (s *Server) configured(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/configuration") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.configuration == "" {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
	}
	_, _ = io.WriteString(w, s.configuration)
	return true
}

// Call is one request that arrived.
type Call struct {
	Function string // what AWS's path names, decoded; empty for a plain service
	Header   http.Header
	Payload  []byte // nil when the step did not read it
	Ran      bool   // the function has run for it
}

// Start runs a fake on a port of the kernel's choice until the test ends.
func Start(t testing.TB, steps ...Step) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("fakelambda: %v", err)
	}
	s := On(l, steps...)
	t.Cleanup(s.Close)
	return s
}

// On runs a fake on a listener, for example of a virtual network, until Close.
func On(l net.Listener, steps ...Step) *Server {
	s := &Server{URL: "http://" + l.Addr().String(), closing: make(chan struct{}), steps: steps}
	s.http.Handler = http.HandlerFunc(s.serve)
	s.http.ErrorLog = log.New(io.Discard, "", 0) // cut connections are the point
	go func() { _ = s.http.Serve(l) }()
	return s
}

// Close cuts every connection and stops listening.
func (s *Server) Close() {
	s.closed.Do(func() { close(s.closing) })
	_ = s.http.Close()
}

// Do queues steps, in place of those not taken yet.
func (s *Server) Do(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = steps
}

// Calls gives what has arrived so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
		calls[i].Payload = slices.Clone(c.Payload)
	}
	return calls
}

// Runs counts how often the function has run.
func (s *Server) Runs() int {
	n := 0
	for _, c := range s.Calls() {
		if c.Ran {
			n++
		}
	}
	return n
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.configured(w, r) {
		return
	}
	name, aws := functionName(r.URL)
	if aws && r.Method != http.MethodPost {
		http.Error(w, "Invoke is a POST", http.StatusMethodNotAllowed)
		return
	}
	call := &Call{Function: name, Header: r.Header.Clone()}
	s.next(call)(&Exchange{server: s, w: w, r: r, call: call, aws: aws})
}

// next notes a call and gives the step that answers it.
func (s *Server) next(c *Call) Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	if len(s.steps) == 0 {
		return Answer("null")
	}
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	return step
}

// functionName takes the function out of AWS's path, where it comes percent-encoded.
func functionName(u *url.URL) (string, bool) {
	rest, ok := strings.CutPrefix(u.Path, "/2015-03-31/functions/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "/invocations")
}
