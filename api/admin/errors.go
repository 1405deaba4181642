package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"gantry/deadletter"
	"gantry/declare"
	"gantry/engine"
	"gantry/kafka"
	"gantry/migrate"
	"gantry/migrate/cutover"
	"gantry/pipeline"
	"gantry/store"
	"gantry/store/code"
)

// apiError is a failure that knows its exception.
type apiError struct {
	status  int
	kind    string
	message string
}

func (e *apiError) Error() string { return e.kind + ": " + e.message }

func badInput(message string) error {
	return &apiError{http.StatusBadRequest, "InvalidParameterValueException", message}
}

// exceptionOf is the table of errors at this door.
func exceptionOf(err error) *apiError {
	var known *apiError
	var faults *declare.Faults
	var refused *code.RefusedError
	var diagnosed *engine.DiagnosedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &faults), errors.As(err, &refused):
		return &apiError{http.StatusBadRequest, "InvalidParameterValueException", err.Error()}
	case errors.Is(err, deadletter.ErrBadOrder), errors.Is(err, deadletter.ErrNoPlace), errors.Is(err, deadletter.ErrSNS):
		return &apiError{http.StatusBadRequest, "InvalidParameterValueException", err.Error()}
	case isConflict(err):
		return &apiError{http.StatusConflict, "ResourceConflictException", err.Error()}
	case isMissing(err):
		return &apiError{http.StatusNotFound, "ResourceNotFoundException", err.Error()}
	case errors.Is(err, store.ErrConflict):
		return &apiError{http.StatusConflict, "ResourceConflictException", err.Error() + "; read it again and repeat"}
	case errors.As(err, &diagnosed):
		return &apiError{http.StatusBadGateway, "ClusterException", err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{http.StatusGatewayTimeout, "ClusterException", err.Error()}
	}
	return &apiError{http.StatusInternalServerError, "ServiceException", err.Error()}
}

// isConflict says that a request is right and the world is not as it wants it.
func isConflict(err error) bool {
	for _, conflict := range []error{
		engine.ErrNoLoss, engine.ErrInHand, declare.ErrDeleting, engine.ErrEnabled, engine.ErrStale, engine.ErrNoPreview, engine.ErrRecreated,
		kafka.ErrGroupBusy, pipeline.ErrNotHere, pipeline.ErrNotStanding, pipeline.ErrNotInHand, pipeline.ErrNoDestination,
		pipeline.ErrChanged, pipeline.ErrEnded, deadletter.ErrBusy, deadletter.ErrChanged, deadletter.ErrNoPreview,
		migrate.ErrBusy, migrate.ErrState, migrate.ErrStopping, cutover.ErrNoGo, cutover.ErrNothing, cutover.ErrUnderWay, cutover.ErrBegun, cutover.ErrNotProven, cutover.ErrMoved,
	} {
		if errors.Is(err, conflict) {
			return true
		}
	}
	return false
}

// isMissing says that there is no such record, partition or topic.
func isMissing(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, kafka.ErrUnknownTopic) || errors.Is(err, kafka.ErrRemoved) ||
		errors.Is(err, kafka.ErrBeyond) || errors.Is(err, kafka.ErrNoRecord) ||
		errors.Is(err, deadletter.ErrNoLetter)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := exceptionOf(err)
	if e.status >= http.StatusInternalServerError {
		s.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.kind)
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(errorBody{e.kind, e.message})
}

// errorBody is how every failure is answered.
type errorBody struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}
