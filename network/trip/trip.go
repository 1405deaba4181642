// Package trip tells how far an HTTP request got, for a caller that must never guess
// whether the other side may have acted on it.
//
// Flow: a Transport dials connections that count the bytes they write. Start puts a
// Trip into the request's context; once the call has ended, Written says whether any
// byte of this request left, and Wait returns when nobody reads its body any more.
//
// Invariants: HTTP/1.1 only, so a connection carries one request at a time and its
// counter is that request's; no request is sent twice and no redirect is followed
// unseen (net/http repeats a POST only where GetBody is set, and RoundTrip clears it).
package trip

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// Trip is the fate of one request.
type Trip struct {
	conn   atomic.Pointer[conn]
	start  atomic.Int64 // what the connection had written before this request
	began  atomic.Bool  // RoundTrip was called
	wrote  atomic.Bool  // for a connection that can't be recognized: headers were written
	lent   atomic.Bool  // a body was handed to net/http, which will close it
	copied bool         // the body is the trip's own copy: nobody needs to wait
	closed chan struct{}
	once   sync.Once
}

type key struct{}

// Start begins a trip; the request must carry the context returned. Requests to others
// may be made under it before ours, as to fetch credentials: they do not count.
func Start(ctx context.Context) (context.Context, *Trip) {
	t := &Trip{closed: make(chan struct{})}
	ctx = context.WithValue(ctx, key{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(info httptrace.GotConnInfo) { t.board(info.Conn) },
		WroteHeaders: func() { t.wrote.Store(t.began.Load()) },
	}), t
}

// board notes the connection the request will be written to.
func (t *Trip) board(c net.Conn) {
	for c != nil {
		if ours, ok := c.(*conn); ok {
			t.start.Store(ours.written.Load())
			t.conn.Store(ours)
			return
		}
		wrapped, ok := c.(interface{ NetConn() net.Conn }) // TLS
		if !ok {
			return
		}
		c = wrapped.NetConn()
	}
}

// Written says whether a byte of the request may have left. Ask when the call has
// ended: false then means that the other side certainly did not see it.
func (t *Trip) Written() bool {
	if c := t.conn.Load(); c != nil {
		return c.written.Load() > t.start.Load()
	}
	return t.wrote.Load()
}

// Wait returns when net/http has let go of the request's body. A server may answer, or
// a context end, while the body is still being written; whoever reuses its bytes then
// would put them on the wire. Close the response's body first.
func (t *Trip) Wait() {
	if t.lent.Load() {
		<-t.closed
	}
}

func (t *Trip) release() { t.once.Do(func() { close(t.closed) }) }

// Transport sends requests along trips.
type Transport struct{ base *http.Transport }

// RoundTrip implements http.RoundTripper. Without a trip in its context a request is
// sent as it is.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	trip, _ := req.Context().Value(key{}).(*Trip)
	if trip != nil {
		trip.began.Store(true)
	}
	if trip == nil || trip.copied || req.Body == nil {
		return t.base.RoundTrip(req)
	}
	own, ok := req.Body.(*body)
	if !ok {
		own = &body{Reader: req.Body, source: req.Body, trip: trip}
	}
	trip.lent.Store(true)
	sent := req.WithContext(req.Context()) // RoundTrip must leave req as it is
	sent.Body, sent.GetBody = own, nil
	return t.base.RoundTrip(sent)
}

// CloseIdleConnections closes the connections nobody uses.
func (t *Transport) CloseIdleConnections() { t.base.CloseIdleConnections() }
