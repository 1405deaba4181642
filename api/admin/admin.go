// Package admin is gantry's own HTTP API, /gantry/v1: what Lambda's API has no words
// for. The command line and the console are its clients.
//
// The flow is that of api/lambda: routes.go finds the operation, handle.go decodes,
// the operation in the file of its name acts, errors.go makes an exception of what
// failed. Answers are JSON; streams are one JSON value a line. Payloads of records
// appear in three answers only, those of GET …/records, …/dead-letters and …/dead-letter,
// after masking.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/cloud"
	"gantry/deadletter"
	"gantry/doctor"
	"gantry/engine"
	"gantry/engine/async"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate"
	"gantry/network"
	"gantry/pipeline"
	"gantry/record"
	"gantry/store"
	"gantry/telemetry/functionlog"
)

// Engine is what runs the mappings. Safe for use by many goroutines.
type Engine interface {
	Status(uuid string) mapping.Status
	One(uuid string) (engine.Running, error)
	Running() []engine.Running
	Headroom(uuid string) []engine.Headroom
	Lags(ctx context.Context) map[string]engine.Lag
	Lag(ctx context.Context, uuid string) (engine.Lag, bool)
	Function(name string) (engine.FunctionUse, bool)
	Asynchronous() []async.Stats
	DropEvents(ctx context.Context, name string) error
	Offsets(ctx context.Context, uuid string) ([]engine.Partition, error)
	Losses(uuid string) ([]mapping.Loss, error)
	PreviewLoss(ctx context.Context, uuid string, only []record.Partition) ([]mapping.Loss, string, error)
	AcceptLoss(ctx context.Context, uuid, token string, only []record.Partition, by store.Write) ([]mapping.Loss, error)
	PreviewSkip(uuid string, s pipeline.Skip) (pipeline.SkipPreview, error)
	Skip(ctx context.Context, uuid string, s pipeline.Skip) (pipeline.SkipPreview, error)
	PreviewReset(ctx context.Context, uuid string, to engine.ResetTo, only []record.Partition) (engine.ResetPlan, error)
	Reset(ctx context.Context, uuid, token string, by store.Write) (engine.ResetPlan, error)
	Records(ctx context.Context, m mapping.Mapping, from kafka.Reading) ([]record.Record, error)
	Standing(ctx context.Context) []engine.Standing
	Watch(uuid string) (<-chan pipeline.Event, func(), error)
	Resolve(ctx context.Context, m *mapping.Mapping) error
	Group(ctx context.Context, uuid string) (kafka.Group, error)
	Begins(ctx context.Context, m mapping.Mapping) (string, error)
}

// Code keeps deployment packages (store/code). What can't be used is a
// *code.RefusedError.
type Code interface {
	Check(zip []byte) error
	Save(ctx context.Context, zip []byte) (function.Code, error)
}

// Logs give the log of a function.
type Logs interface {
	Log(function string) *functionlog.Log
}

// Clusters find out how to reach a cluster.
type Clusters interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Audit is told of every change after it was made.
type Audit interface {
	Record(ctx context.Context, c store.Change)
}

// Config is what the API needs of the rest of gantry. All of it is required.
type Config struct {
	Store      store.Store
	Engine     Engine
	Code       Code
	Logs       Logs
	Kafka      Clusters
	Clusters   map[string]kafka.Config // `clusters:`, for files that are applied
	Sections   doctor.Sections         // of the configuration file, for what a mapping needs of AWS
	Networks   map[string]network.Config
	Audit      Audit
	Actor      func(ctx context.Context) string
	Letters    *deadletter.Letters
	Migrations *migrate.Migrations
	Doctor     Doctor
	Backup     Backup
	Mask       func(topic string, r *record.Record) // hides what the owner wants hidden of a record that is shown; nil = nothing
	// MaskText hides the same in what functions and their errors say; nil = nothing.
	MaskText func(text string) string
	// Allow says why the caller may not do an operation, such as pauseMapping.
	Allow func(ctx context.Context, operation string) error
	// Identities are the credentials for AWS, as far as they may be shown; nil = none.
	Identities func() []cloud.Identity
	// Secrets says whether a caller is shown the values of environment variables; nil = no.
	Secrets func(ctx context.Context) bool
	// AWS gives the configuration of gantry's own calls to AWS; nil = there is no road.
	AWS func(ctx context.Context) (aws.Config, error)
	// Integration says what is wrong with a ready-made function; nil = nothing is checked.
	Integration func(name string, settings map[string]string) error
	// Notes says what an owner should know of how a function runs here; nil = nothing.
	Notes     func(fn function.Function) []string
	Region    string
	AccountID string
	Version   string
	Process   string
	Listen    string
	Started   time.Time
	Stopping  <-chan struct{} // closed when gantry stops, so that streams end; nil = never
	Log       *slog.Logger
}

// Server is the API as an http.Handler.
type Server struct {
	cfg       Config
	mux       *http.ServeMux
	mappings  store.Typed[mapping.Mapping]
	functions store.Typed[function.Function]
	handovers handovers
}

// New makes the API.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Engine == nil || cfg.Code == nil || cfg.Logs == nil || cfg.Kafka == nil ||
		cfg.Audit == nil || cfg.Actor == nil || cfg.Allow == nil || cfg.Log == nil {
		return nil, errors.New("admin API: something it needs is missing")
	}
	if cfg.MaskText == nil {
		cfg.MaskText = func(text string) string { return text }
	}
	s := &Server{cfg: cfg, mappings: store.MappingsOf(cfg.Store), functions: store.FunctionsOf(cfg.Store)}
	s.mux = http.NewServeMux()
	for _, r := range s.routes() {
		s.mux.Handle(r.method+" "+r.path, s.allowed(r.id, r.handler))
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &apiError{404, "UnknownOperationException", r.Method + " " + r.URL.Path + " is no operation of this API"})
	})
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// allowed asks before anything of a request is read.
func (s *Server) allowed(operation string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.cfg.Allow(r.Context(), operation); err != nil {
			s.cfg.Log.WarnContext(r.Context(), "request refused", "reason", "AccessDeniedException", "operation", operation, "actor", s.cfg.Actor(r.Context()))
			s.fail(w, r, &apiError{http.StatusForbidden, "AccessDeniedException", err.Error()})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// by says who makes a change, and with which operation.
func (s *Server) by(ctx context.Context, operation string) store.Write {
	return store.Write{Actor: s.cfg.Actor(ctx), Reason: operation}
}
