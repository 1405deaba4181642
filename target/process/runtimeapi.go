package process

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"gantry/function"
)

// Where the Runtime API lives, and its headers as net/http spells them.
const (
	runtimePath = "/2018-06-01/runtime/"

	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerInvocationID  = "Lambda-Runtime-Invocation-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerARN           = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body"
)

// runtimeAPI is the server of one process.
type runtimeAPI struct {
	worker   *worker
	listener net.Listener
	address  string
	server   *http.Server
	owns     func(local, remote net.Addr) bool

	mu    sync.Mutex
	conns int
	quiet chan struct{} // closed when no connection is left; made by settle
}

func listen(w *worker) (*runtimeAPI, error) {
	l, err := w.pool.room.listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{worker: w, listener: l, address: l.Addr().String()}
	a.server = &http.Server{
		Handler:        a,
		MaxHeaderBytes: 2 << 20, // the X-Ray cause may have 1 MiB
		ConnContext:    withPeer,
		ConnState:      a.count,
		ErrorLog:       nil,
	}
	return a, nil
}

// serve answers the process that was started.
func (a *runtimeAPI) serve(c *child) {
	a.owns = peerCheck(c, a.worker.pool.room != nil)
	_ = a.server.Serve(a.listener) // ends with ErrServerClosed, in close
}

func (a *runtimeAPI) close() {
	_ = a.listener.Close()
	_ = a.server.Close()
}

// settle waits until the connections of an ended process are read to their end: its
// answer may still be in them.
func (a *runtimeAPI) settle(grace time.Duration) {
	_ = a.listener.Close()
	a.mu.Lock()
	quiet := make(chan struct{})
	if a.conns == 0 {
		close(quiet)
	} else {
		a.quiet = quiet
	}
	a.mu.Unlock()
	select {
	case <-quiet:
	case <-time.After(grace):
	}
	_ = a.server.Close()
}

func (a *runtimeAPI) count(_ net.Conn, s http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch s {
	case http.StateNew:
		a.conns++
	case http.StateClosed, http.StateHijacked:
		a.conns--
		if a.conns == 0 && a.quiet != nil {
			close(a.quiet)
			a.quiet = nil
		}
	}
}

// peer is what is known about a connection: asked once, by its first request.
type peer struct {
	conn net.Conn
	once sync.Once
	ours bool
}

type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, &peer{conn: c})
}

// allowed says whether the request comes from the function. The Host check keeps out
// what a browser on this machine could be made to send, where owners cannot be told.
func (a *runtimeAPI) allowed(r *http.Request) bool {
	p := r.Context().Value(peerKey{}).(*peer)
	p.once.Do(func() { p.ours = a.owns(p.conn.LocalAddr(), p.conn.RemoteAddr()) })
	return p.ours && r.Host == a.address
}

// ServeHTTP routes one request of the process.
func (a *runtimeAPI) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !a.allowed(r) {
		a.worker.pool.log.Warn("refused a request to the Runtime API that does not come from the function", "from", r.RemoteAddr)
		rw.Header().Set("Connection", "close")
		refuse(rw, http.StatusForbidden, "AccessDenied", "this Runtime API answers the function's own processes only")
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, runtimePath)
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	id, answer, _ := strings.Cut(strings.TrimPrefix(rest, "invocation/"), "/")
	switch {
	case strings.HasPrefix(r.URL.Path, producePath):
		a.produce(rw, r)
	case !ok:
		a.extension(rw, r)
	case get && rest == "invocation/next":
		a.next(rw, r)
	case post && rest == "init/error":
		a.initError(rw, r)
	case post && answer == "response" && id != "":
		a.answer(rw, r, id, true)
	case post && answer == "error" && id != "":
		a.answer(rw, r, id, false)
	default:
		refuse(rw, http.StatusNotFound, "NotFound", r.Method+" "+r.URL.Path+" is not part of this Runtime API")
	}
}

// next waits for an event and hands it out.
func (a *runtimeAPI) next(rw http.ResponseWriter, r *http.Request) {
	if !a.worker.asks() {
		refuse(rw, http.StatusForbidden, "InvalidStateTransition", "the event before this one has no answer yet, or the process is being ended")
		return
	}
	select {
	case c := <-a.worker.events:
		c.writing.Lock()
		defer c.writing.Unlock()
		if a.worker.picked(c) {
			a.handOut(rw, c)
		}
	case <-r.Context().Done(): // the connection is lost; the process may ask again
	}
}

// handOut writes the event. A failed write needs no care here: the connection is lost,
// so the process ends, asks again and is refused, or runs into its deadline.
func (a *runtimeAPI) handOut(rw http.ResponseWriter, c *call) {
	h := rw.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(c.in.Payload))}
	h["Date"] = nil
	h[headerRequestID] = []string{c.id}
	h[headerInvocationID] = []string{c.invocation}
	h[headerDeadline] = []string{strconv.FormatInt(c.deadline.UnixMilli(), 10)}
	h[headerARN] = []string{a.worker.pool.arn}
	h[headerTrace] = []string{c.traceID()}
	if c.in.ClientContext != "" {
		h[headerClientContext] = []string{c.clientContext()}
	}
	_, _ = rw.Write(c.in.Payload)
}

// answer takes the function's result, or its error document.
func (a *runtimeAPI) answer(rw http.ResponseWriter, r *http.Request, id string, ok bool) {
	c, late := a.worker.claim(id, r.Header.Get(headerInvocationID))
	switch {
	case late:
		refuse(rw, http.StatusForbidden, "InvalidStateTransition", "this event was answered before, or not handed out yet")
		return
	case c == nil:
		refuse(rw, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := readBody(r)
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		a.worker.answered(c, tooLarge())
		rw.Header().Set("Connection", "close")
		refuse(rw, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge().message)
		return
	case err != nil:
		a.worker.unclaim()
		refuse(rw, http.StatusBadRequest, "InvalidRequest", "the answer broke off: "+err.Error())
		return
	}
	res := result{class: function.Succeeded, answer: body}
	if kind := r.Trailer.Get(headerErrorType); kind != "" { // failed while it streamed its answer
		doc, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
		res = reported(kind, doc)
	} else if !ok {
		res = reported(r.Header.Get(headerErrorType), body)
	}
	if res.class == function.Failed { // shown in statuses, logs and dead letters
		res.answer = a.worker.out.hide.over(res.answer)
	}
	a.worker.answered(c, res)
	accept(rw)
}

func (a *runtimeAPI) initError(rw http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		refuse(rw, http.StatusBadRequest, "InvalidRequest", "the error document could not be read: "+err.Error())
		return
	}
	body = a.worker.out.hide.over(body)
	if !a.worker.failInit(reported(r.Header.Get(headerErrorType), body)) {
		refuse(rw, http.StatusForbidden, "InvalidStateTransition", "the init phase is over")
		return
	}
	accept(rw)
}

// readBody reads an answer. Where its length is known it is read into a buffer of just
// that size.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > function.MaxAnswer {
		return nil, &http.MaxBytesError{Limit: function.MaxAnswer}
	}
	if n := r.ContentLength; n >= 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, function.MaxAnswer))
}

func accept(rw http.ResponseWriter) {
	h := rw.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Date"] = nil
	rw.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(rw, `{"status":"OK"}`) // a client that is gone has its answer accepted all the same
}
