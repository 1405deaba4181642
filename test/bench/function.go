package bench

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// sink is the function of the measurement: it reads the body and answers at once. It
// keeps when the first request came and the last was answered, and how many bytes.
type sink struct {
	mu    sync.Mutex
	first time.Time
	last  time.Time
	calls int64
	bytes int64
}

// reading is what a sink has seen.
type reading struct {
	First, Last time.Time
	Calls       int64
	Bytes       int64
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	n, _ := io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "null")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		s.first = began
	}
	s.last = time.Now()
	s.calls++
	s.bytes += n
}

func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first, s.last, s.calls, s.bytes = time.Time{}, time.Time{}, 0, 0
}

func (s *sink) read() reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return reading{s.first, s.last, s.calls, s.bytes}
}

// serveSink serves on a port the kernel chooses.
func serveSink(s *sink) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: s}
	go func() { _ = srv.Serve(l) }()
	return "http://" + l.Addr().String() + "/", func() { _ = srv.Close() }, nil
}
