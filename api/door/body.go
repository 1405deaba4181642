package door

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// readBody reads the whole body, which must be hashed before anybody believes it, and
// puts it back for the handler. Afterwards the connection has no deadline: an invocation
// or a followed log may take its time.
func (d *door) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	conn := http.NewResponseController(w)
	if r.ContentLength > limit {
		overhear(conn, r.Body)
		return nil, bodyTooLarge(limit)
	}
	// A test's recorder has no connection, which is no reason to refuse its request.
	_ = conn.SetReadDeadline(time.Now().Add(d.BodyTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, bodyTooSlow(d.BodyTimeout)
	case err != nil:
		return nil, bodyBroken(err)
	case int64(len(body)) > limit:
		overhear(conn, r.Body)
		return nil, bodyTooLarge(limit)
	}
	_ = conn.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// What is read of a refused body, and for how long.
const (
	overheardBytes = 1 << 20
	overheardTime  = time.Second
)

// overhear reads on for a while behind a refusal. A connection that is closed with bytes
// unread is reset, and the client, which is still writing, sees that in place of the answer.
func overhear(conn *http.ResponseController, body io.Reader) {
	_ = conn.SetReadDeadline(time.Now().Add(overheardTime))
	_, _ = io.CopyN(io.Discard, body, overheardBytes)
}
