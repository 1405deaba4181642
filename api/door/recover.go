package door

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// answer remembers whether an answer has begun. Unwrap keeps flushing and deadlines
// within reach of http.ResponseController.
type answer struct {
	http.ResponseWriter
	begun bool
}

// Unwrap gives the writer of the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= http.StatusOK
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if WriteHeader did not.
func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// Flush sends what is written so far, for handlers that follow something.
func (a *answer) Flush() {
	a.begun = true
	_ = http.NewResponseController(a.ResponseWriter).Flush() // a writer that can't flush does it at the end
}

// answerPanic answers for a handler that panicked and logs it once. An answer that has
// begun can't be taken back: cutting the connection is the only way to say it is not whole.
func (d *door) answerPanic(w http.ResponseWriter, r *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // a handler's own way to cut the connection
	}
	id := w.Header().Get(requestIDHeader) // the handler may have put its own id there
	d.Log.ErrorContext(r.Context(), "an API request panicked", "method", r.Method, "path", r.URL.EscapedPath(),
		"requestId", id, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if a, ok := w.(*answer); ok && a.begun {
		panic(http.ErrAbortHandler)
	}
	f := fault{http.StatusInternalServerError, "ServiceException",
		"The request failed inside gantry; its log has the cause under request id " + id}
	f.write(w)
}
