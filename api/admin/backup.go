package admin

import (
	"context"
	"io"
	"net/http"
)

// Backup writes all that gantry must remember, as it stands at one moment.
type Backup func(ctx context.Context, w io.Writer) error

// backup streams a backup. What breaks off in the middle is noticed by whoever restores:
// the status was sent by then, so the connection is cut.
func (s *Server) backup() endpoint {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/gzip")
		begun := &begun{w: w}
		err := s.cfg.Backup(r.Context(), begun)
		switch {
		case err == nil:
		case !begun.yes:
			s.fail(w, r, err)
		default:
			s.cfg.Log.Error("a backup broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	})
	return endpoint{Handler: h, media: "application/gzip"}
}

// begun notices that an answer has begun.
type begun struct {
	w   io.Writer
	yes bool
}

// Write implements io.Writer.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.w.Write(p)
}
