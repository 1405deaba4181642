// Package trace follows batches with OpenTelemetry: from the trace contexts that records
// carry in their traceparent header (W3C Trace Context), through the batch, to the
// function, which finds the context in X-Ray's header and in W3C's.
//
// The flow: Open reads what is configured (settings.go); Follow makes the tracer of a
// mapping; Begin opens two spans for a batch, one for its processing, linked to the
// contexts of its records (links.go), and under it one for the call of the function, whose
// context goes along with the invocation (header.go); otlp.go sends what has ended.
//
// Nothing here is on the path of a batch unless traces were asked for: a nil *Tracing has
// no tracers. The environment variables of OpenTelemetry's specification are the
// interface of this package by that specification, so they are read here and by the SDK.
package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Config is what the file says of traces, and who sends them. OpenTelemetry's variables
// win over it.
type Config struct {
	Endpoint  string            // of an OTLP/HTTP receiver, without /v1/traces; empty = the variables alone decide
	Headers   map[string]string // sent with every export: a token, mostly
	Sample    *float64          // share of the traces that begin here; nil = all
	Version   string
	Process   string
	LookupEnv func(string) (string, bool)
	Transport http.RoundTripper // nil = a clone of the default: HTTPS_PROXY and NO_PROXY count
	Log       *slog.Logger
}

// Tracing sends traces until it is closed.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   api.Tracer
	Endpoint string // where to, for those who ask
}

// Open prepares what is configured; nil where traces are off. Nothing is sent before the
// first span has ended. The error names every fault at once.
func Open(ctx context.Context, cfg Config) (*Tracing, error) {
	set, err := settingsOf(cfg)
	if err != nil || !set.on {
		return nil, err
	}
	sender, err := newSender(set, cfg)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, sender)
	if err != nil {
		return nil, fmt.Errorf("start the sender of traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "gantry"), attribute.String("service.version", cfg.Version),
			attribute.String("service.instance.id", cfg.Process),
		),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	opts := []sdk.TracerProviderOption{sdk.WithResource(about), sdk.WithBatcher(exporter)}
	if set.sampler != nil {
		opts = append(opts, sdk.WithSampler(set.sampler))
	}
	provider := sdk.NewTracerProvider(opts...)
	return &Tracing{provider: provider, tracer: provider.Tracer("gantry"), Endpoint: set.shown()}, nil
}

// Flush sends what has ended and was not sent yet.
func (t *Tracing) Flush(ctx context.Context) error { return t.provider.ForceFlush(ctx) }

// Shutdown flushes and ends the sender. Harmless on nil.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
