package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"gantry/declare"
	"gantry/mapping"
	"gantry/pipeline/invoke"
	"gantry/telemetry/functionlog"
	"gantry/telemetry/logevent"
	"gantry/telemetry/trace"
)

// logger writes to stderr, each line with its event. Flags win over the file.
func logger(flags serveFlags, file declare.Logs, s streams) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cmp.Or(flags.logLevel, file.Level, "info"))); err != nil {
		return nil, fmt.Errorf("--log-level: %q is not known; want debug, info, warn or error", flags.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(s.err, opts)
	if flags.logJSON || file.Format == "json" {
		h = slog.NewJSONHandler(s.err, opts)
	}
	return slog.New(logevent.Handler(h)), nil
}

// openTraces starts the sender of traces, where OpenTelemetry's variables or the file ask
// for it.
func (s *server) openTraces(ctx context.Context) error {
	t := s.opts.file.Telemetry.Traces
	headers := map[string]string{}
	var errs []error
	for name, ref := range t.Headers {
		value, err := s.secrets.Plain(ctx, ref)
		if err != nil {
			errs = append(errs, fmt.Errorf("telemetry.traces.headers.%s: %w", name, err))
		}
		headers[name] = value
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	tracing, err := trace.Open(ctx, trace.Config{
		Endpoint: t.Endpoint, Headers: headers, Sample: t.Sample, Version: version(), Process: s.process,
		LookupEnv: os.LookupEnv, Log: s.opts.log,
	})
	if tracing != nil {
		s.tracing = tracing
		s.closers = append(s.closers, flushed{tracing})
	}
	return err
}

// events puts the event logs of mappings into the logs of their functions.
type events struct{ s *server }

// ARN implements engine.EventLog.
func (e events) ARN(uuid string) string {
	f := e.s.opts.file
	return "arn:aws:lambda:" + f.Region + ":" + f.AccountID + ":event-source-mapping:" + uuid
}

// Write implements engine.EventLog.
func (e events) Write(function, stream string, at time.Time, document []byte) {
	e.s.logs.Log(function).Write(functionlog.Line{Time: at, Stream: stream, Text: string(document)})
}

// flushed closes the sender of traces when everything else has stopped.
type flushed struct{ t *trace.Tracing }

// flushTimeout bounds how long a stop waits for a receiver of traces.
const flushTimeout = 5 * time.Second

// Close implements io.Closer. Traces that can't be sent hold up no stop and fail none.
func (f flushed) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = f.t.Shutdown(ctx)
	return nil
}

// follow gives the engine its tracers; nil where nobody asked for traces, so that a batch
// costs nothing more.
func (s *server) follow() func(mapping.Mapping, string) invoke.Tracer {
	if s.tracing == nil {
		return nil
	}
	return func(m mapping.Mapping, function string) invoke.Tracer {
		return s.tracing.Follow(trace.About{
			UUID: m.UUID, Name: m.Name, Group: m.GroupID, Function: function,
		})
	}
}
