package fakelambda

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Exchange is one call under the hands of a step.
type Exchange struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	call   *Call
	aws    bool
}

// Read takes the whole event in.
func (e *Exchange) Read() []byte {
	payload, err := io.ReadAll(e.r.Body)
	if err != nil {
		return nil
	}
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	e.call.Payload = payload
	return payload
}

// Ran notes that the function has run for this call.
func (e *Exchange) Ran() {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	e.call.Ran = true
}

// Gone returns when the client has left or the server closes. Read first.
func (e *Exchange) Gone() {
	select {
	case <-e.r.Context().Done():
	case <-e.server.closing:
	}
}

// Reply writes a whole response, with the headers AWS's Invoke adds.
func (e *Exchange) Reply(status int, body []byte) {
	h := e.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", "fake-"+strconv.Itoa(len(body))+"-"+e.r.Header.Get("X-Amzn-Requestid"))
	if e.aws && status == http.StatusOK {
		h.Set("X-Amz-Executed-Version", "$LATEST")
		if e.r.Header.Get("X-Amz-Log-Type") == "Tail" {
			h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte("START\nthe function's log\nEND\n")))
		}
	}
	e.w.WriteHeader(status)
	_, _ = e.w.Write(body)
}

// Error writes an error of the service in AWS's form.
func (e *Exchange) Error(status int, code, message string) {
	e.w.Header().Set("X-Amzn-Errortype", code)
	body, _ := json.Marshal(map[string]string{"Type": "User", "message": message, "Message": message})
	e.Reply(status, body)
}

// Cut ends the connection at once, as the death of a process does: with a reset where
// the network has one.
func (e *Exchange) Cut() {
	conn, _ := e.take()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Raw writes bytes in place of an HTTP response and closes.
func (e *Exchange) Raw(b string) {
	conn, w := e.take()
	_, _ = w.WriteString(b)
	_ = w.Flush()
	_ = conn.Close()
}

func (e *Exchange) take() (net.Conn, *bufio.ReadWriter) {
	conn, rw, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		panic(err) // HTTP/1.1 only: there is always a connection to take
	}
	return conn, rw
}
