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
	if r.ContentLength > limit {
		return nil, bodyTooLarge(limit)
	}
	conn := http.NewResponseController(w)
	// A test's recorder has no connection, which is no reason to refuse its request.
	_ = conn.SetReadDeadline(time.Now().Add(d.BodyTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, bodyTooSlow(d.BodyTimeout)
	case err != nil:
		return nil, bodyBroken(err)
	case int64(len(body)) > limit:
		return nil, bodyTooLarge(limit)
	}
	_ = conn.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
