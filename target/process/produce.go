package process

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

// Where a function that may write to Kafka sends its records, and the variables that tell
// it so: the URL ends where a topic's name begins.
const (
	producePath     = "/gantry/v1/topics/"
	produceURL      = "GANTRY_PRODUCE_URL"
	produceToken    = "GANTRY_PRODUCE_TOKEN"
	produceTokenLen = 32 // random bytes
)

// newToken makes the token of one process. It is kept in memory alone, and ends with the
// process and its listener.
func newToken() string {
	b := make([]byte, produceTokenLen)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// produceVariables are what a process gets that may write.
func (w *worker) produceVariables(api string) map[string]string {
	if w.token == "" {
		return nil
	}
	return map[string]string{produceURL: "http://" + api + producePath, produceToken: w.token}
}

// produce takes records that the function sends in the middle of its work. The caller's
// socket was looked at already, where the system tells whose it is; the token holds
// elsewhere too.
func (a *runtimeAPI) produce(rw http.ResponseWriter, r *http.Request) {
	p := a.worker.pool
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case p.cfg.Produce == nil:
		refuse(rw, http.StatusNotFound, "NotFound", "there is no Kafka to write to here")
	case a.worker.token != "" && (!bearer || subtle.ConstantTimeCompare([]byte(given), []byte(a.worker.token)) != 1):
		p.log.Warn("refused records that did not come with the token of their process", "event", "produce.bad_token", "from", r.RemoteAddr)
		rw.Header().Set("Connection", "close")
		refuse(rw, http.StatusForbidden, "AccessDeniedException",
			"send the header Authorization: Bearer with the value of "+produceToken+", as this process has it: another process has another one")
	default: // without a right there is no token, and the handler says what is missing
		p.cfg.Produce.ServeHTTP(rw, r)
	}
}
