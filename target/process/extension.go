package process

import (
	"encoding/json"
	"net/http"

	"gantry/function"
)

const extensionPath = "/2020-01-01/extension/"

// extension answers the part of the Extensions API that runtimes use on themselves:
// aws-lambda-go registers an extension without events, because a function with an
// extension gets SIGTERM before SIGKILL. Extensions that want events are refused.
func (a *runtimeAPI) extension(rw http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST " + extensionPath + "register":
		a.register(rw, r)
	case "GET " + extensionPath + "event/next":
		<-r.Context().Done() // no events were asked for, so none ever comes
	default:
		refuse(rw, http.StatusNotFound, "NotFound", r.Method+" "+r.URL.Path+" is not supported")
	}
}

func (a *runtimeAPI) register(rw http.ResponseWriter, r *http.Request) {
	var want struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16)).Decode(&want); err != nil {
		refuse(rw, http.StatusBadRequest, "InvalidRequestFormat", "the body is not a registration: "+err.Error())
		return
	}
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		refuse(rw, http.StatusBadRequest, "Extension.InvalidExtensionName", "Lambda-Extension-Name is missing")
		return
	}
	if len(want.Events) > 0 {
		refuse(rw, http.StatusForbidden, "Extension.EventsNotSupported", "extensions get no events here; register without any to get SIGTERM")
		return
	}
	a.worker.wantSIGTERM()
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Lambda-Extension-Identifier", newRequestID())
	_ = json.NewEncoder(rw).Encode(map[string]string{
		"functionName": a.worker.pool.fn.Name, "functionVersion": function.LatestVersion, "handler": a.worker.pool.fn.Handler,
	})
}

// wantSIGTERM notes that the process is to be asked before it is killed.
func (w *worker) wantSIGTERM() {
	w.mu.Lock()
	w.sigterm = true
	w.mu.Unlock()
}

// refuse answers with the Runtime API's error document.
func refuse(rw http.ResponseWriter, status int, kind, text string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(faultDocument{ErrorType: kind, ErrorMessage: text})
}
