package lambda

import (
	"context"
	"net/http"
	"time"

	"gantry/engine/async"
	"gantry/function"
)

// eventInvokeConfig are the members of AWS's EventInvokeConfig that a caller gives. A nil
// one is not given.
type eventInvokeConfig struct {
	MaximumRetryAttempts     *int                    `json:"MaximumRetryAttempts,omitempty"`
	MaximumEventAgeInSeconds *int                    `json:"MaximumEventAgeInSeconds,omitempty"`
	DestinationConfig        *eventInvokeDestination `json:"DestinationConfig,omitempty"`
}

type eventInvokeDestination struct {
	OnSuccess *onEnd `json:"OnSuccess,omitempty"`
	OnFailure *onEnd `json:"OnFailure,omitempty"`
}

type onEnd struct {
	Destination string `json:"Destination,omitempty"`
}

// eventInvokeShape is the answer: what was given, and AWS's defaults where nothing was.
type eventInvokeShape struct {
	FunctionArn  string `json:"FunctionArn"`
	LastModified epoch  `json:"LastModified"`
	eventInvokeConfig
}

type eventInvokeInput struct {
	oneFunctionInput
	eventInvokeConfig
}

func (in *eventInvokeInput) read(r *http.Request) { in.oneFunctionInput.read(r) }

func (in *eventInvokeInput) check(ctx context.Context, s *Server, f *faults) error {
	f.number("maximumRetryAttempts", in.MaximumRetryAttempts, 0, async.DefaultRetries)
	f.number("maximumEventAgeInSeconds", in.MaximumEventAgeInSeconds, 60, int(async.DefaultAge/time.Second))
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		f.refuse("You must specify at least one of error handling or destination setting.")
	}
	if d := in.DestinationConfig; d != nil {
		s.checkEventDestination("DestinationConfig.OnSuccess.Destination", d.OnSuccess, f)
		s.checkEventDestination("DestinationConfig.OnFailure.Destination", d.OnFailure, f)
	}
	return in.oneFunctionInput.check(ctx, s, f)
}

func (s *Server) checkEventDestination(member string, d *onEnd, f *faults) {
	if d == nil || d.Destination == "" {
		return
	}
	if why := s.cfg.Destination(d.Destination); why != "" {
		f.refuse("%s: %s", member, why)
	}
}

// over lays what was given over what there was.
func (in *eventInvokeConfig) over(a function.Asynchronous, now time.Time) *function.Asynchronous {
	a.LastModified = now
	if in.MaximumRetryAttempts != nil {
		a.Retries = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		a.MaxAge = time.Duration(*in.MaximumEventAgeInSeconds) * time.Second
	}
	if d := in.DestinationConfig; d != nil {
		a.OnSuccess, a.OnFailure = d.OnSuccess.to(), d.OnFailure.to()
	}
	return &a
}

func (d *onEnd) to() string {
	if d == nil {
		return ""
	}
	return d.Destination
}

func (s *Server) eventInvokeShape(fn *function.Function) *eventInvokeShape {
	retries, age := async.DefaultRetries, async.DefaultAge
	if fn.Async.Retries != nil {
		retries = *fn.Async.Retries
	}
	if fn.Async.MaxAge != 0 {
		age = fn.Async.MaxAge
	}
	seconds := int(age / time.Second)
	modified := fn.Async.LastModified
	if modified.IsZero() {
		modified = fn.LastModified // it comes from a file
	}
	return &eventInvokeShape{
		FunctionArn: s.functionARN(fn.Name, latest), LastModified: epoch(modified),
		eventInvokeConfig: eventInvokeConfig{
			MaximumRetryAttempts: &retries, MaximumEventAgeInSeconds: &seconds,
			DestinationConfig: &eventInvokeDestination{OnSuccess: &onEnd{fn.Async.OnSuccess}, OnFailure: &onEnd{fn.Async.OnFailure}},
		},
	}
}

func (s *Server) noEventInvokeConfig(fn *function.Function) error {
	return notFound("The function %s doesn't have an EventInvokeConfig", s.functionARN(fn.Name, latest))
}
