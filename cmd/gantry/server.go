package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gantry/api/admin"
	"gantry/api/door"
	"gantry/api/lambda"
	"gantry/cli"
	"gantry/cloud"
	"gantry/declare"
	"gantry/engine"
	"gantry/function"
	"gantry/integration"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate"
	"gantry/network"
	"gantry/pipeline"
	"gantry/pipeline/filter"
	"gantry/produce"
	"gantry/schema"
	"gantry/secret"
	"gantry/sink"
	"gantry/store"
	"gantry/store/code"
	"gantry/telemetry/functionlog"
	"gantry/telemetry/mask"
	"gantry/telemetry/trace"
)

// options are what a server is made from: a configuration file and how it is used.
type options struct {
	file         *declare.File
	base         string                                                                    // folder that file: references are relative to
	name         string                                                                    // of the file, as actor of what it declares
	anonymous    bool                                                                      // any credentials are accepted: demo and dev
	integrations func(name string, settings sink.Settings, d sink.Deps) (sink.Sink, error) // nil = the catalogue
	log          *slog.Logger
}

// server is a whole gantry: store, engine and the API before them.
type server struct {
	opts       options
	store      store.Store
	process    string
	code       *code.Code
	logs       *functionlog.Logs
	audit      *door.Audit
	keys       door.Keys
	madeKey    bool
	tls        *door.TLS // nil = none
	mask       *mask.Mask
	engine     *engine.Engine
	migrations *migrate.Migrations
	secrets    *secret.Resolver
	networks   *network.Networks
	cloud      *cloud.Cloud
	kafka      kafka.Resolver
	schemas    *schema.Registries
	tracing    *trace.Tracing // nil = off
	started    time.Time
	targets    targets
	produced   *produce.Writer
	closers    []io.Closer
	// stopping is closed when run begins to stop: streams end, so that they hold nothing up.
	stopping chan struct{}
}

// processBudget bounds the bytes that all mappings hold together.
const processBudget = 512 << 20

// open takes the data directory and puts everything together. Nothing runs yet.
func open(ctx context.Context, opts options) (s *server, err error) {
	s = &server{opts: opts, started: time.Now(), stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.openData(ctx); err != nil {
		return s, err
	}
	f := opts.file
	if err := s.openRoads(); err != nil {
		return s, err
	}
	if err := s.openKeys(ctx); err != nil {
		return s, err
	}
	if err := s.openTraces(ctx); err != nil {
		return s, err
	}
	if err := s.openTLS(ctx); err != nil {
		return s, err
	}
	s.sweep(ctx)
	if err := checkUsers(f); err != nil {
		return s, err
	}
	s.kafka = s.sources()
	s.schemas = s.registries()
	s.mask = mask.New(f.Masking)
	s.produced = s.openProduce()
	places := targets{
		region: f.Region, account: f.AccountID, dataDir: s.dataDir(), interpreters: f.Interpreters,
		code: s.code, logs: s.logs, cloud: s.cloud, roles: f.Roles, integrations: opts.integrations, kafka: s.kafka,
		produced: s.produced, secrets: s.secrets, networks: s.networks, awsNetworks: f.AWS.Network,
		user: f.User, cgroups: s.isolate(), mask: s.mask, log: opts.log,
	}
	if places.integrations == nil {
		places.integrations = integrate
	}
	s.targets = places
	s.engine = engine.New(engine.Config{
		Store: s.store, Sources: s.kafka, Schemas: s.schemaOf, Targets: places.open, Process: s.process,
		Budget: pipeline.NewBudget(processBudget), Log: opts.log,
		AWS: s.cloud.Config, Shown: s.mask.Text,
		OneLane: func(fn function.Function) string { return integration.OneLane(fn.Integration, fn.Settings) },
		ARN:     func(name string) string { return arnOf(f.Region, f.AccountID, name) },
		Trace:   s.follow(), EventLog: events{s},
	})
	s.migrations = s.openMigrations()
	return s, nil
}

// sources find out how to reach clusters.
func (s *server) sources() kafka.Resolver {
	return kafka.Resolver{
		Clusters: s.opts.file.Clusters, Secrets: s.secrets, Networks: s.networks,
		Proxy: http.ProxyFromEnvironment, AWS: s.cloud.Reread, Identities: &kafka.Identities{},
	}
}

// registries are the schema registries of the clusters.
func (s *server) registries() *schema.Registries {
	return schema.New(schema.Options{
		Entries: s.opts.file.Registries, Secrets: s.secrets, Proxy: http.ProxyFromEnvironment,
		Dial: func(names ...string) (schema.Dial, error) { return s.networks.Dial(names...) },
	})
}

// schemaOf is the schema registry of a source's cluster.
func (s *server) schemaOf(src mapping.Source) (*schema.Registry, error) {
	name := src.Cluster
	if name == "" {
		name = s.clusterOf(src)
	}
	return s.schemas.Of(name)
}

func (s *server) dataDir() string { return s.opts.file.DataDir }

// openData opens everything that lives in the data directory.
func (s *server) openData(ctx context.Context) error {
	dir, log := s.dataDir(), s.opts.log
	db, process, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	s.store, s.process = db, process
	s.closers = append(s.closers, db)
	if s.code, err = code.Open(dir); err != nil {
		return err
	}
	if s.logs, err = functionlog.Open(filepath.Join(dir, "logs")); err != nil {
		return err
	}
	s.closers = append(s.closers, s.logs)
	s.audit, err = door.OpenAudit(door.AuditConfig{DataDir: dir, Ledger: db, Stream: "audit." + process, Log: log})
	if err == nil {
		s.closers = append(s.closers, s.audit)
	}
	return err
}

// sweep removes the packages that no function has any more. It frees space and nothing
// depends on it, so a failure is said and no more.
func (s *server) sweep(ctx context.Context) {
	functions, err := store.FunctionsOf(s.store).List(ctx)
	if err == nil {
		keep := map[string]bool{}
		for _, fn := range functions {
			keep[fn.Value.Code.SHA256] = true
		}
		_, err = s.code.Sweep(keep)
	}
	if err != nil {
		s.opts.log.Warn("old deployment packages were not removed", "error", err)
	}
}

// openKeys finds who may come in: the pairs of the file, or the data directory's own.
func (s *server) openKeys(ctx context.Context) error {
	if s.opts.anonymous {
		return nil
	}
	if len(s.opts.file.Keys) == 0 {
		key, made, err := door.DataKey(ctx, s.dataDir())
		if err != nil {
			return err
		}
		s.madeKey = made
		s.keys, err = door.NewKeys(key)
		return err
	}
	var keys []door.Key
	for _, k := range s.opts.file.Keys {
		value, err := s.secrets.Plain(ctx, k.Secret)
		if err != nil {
			return fmt.Errorf("keys: %s: %w", k.ID, err)
		}
		keys = append(keys, door.Key{ID: k.ID, Secret: value, Role: door.Role(k.Role), Function: k.Function})
	}
	var err error
	s.keys, err = door.NewKeys(keys...)
	return err
}

// apply makes the store agree with the file that was given to serve. What fails is
// said; what runs goes on.
func (s *server) apply(ctx context.Context) error {
	a := declare.Applier{Store: s.store, Source: s.engine, Now: time.Now, Notes: s.notes}
	by := store.Write{Actor: "file:" + s.opts.name, Reason: "serve"}
	changes, err := a.Apply(ctx, s.opts.file, declare.Options{By: by})
	for _, c := range changes {
		if c.Note == "" {
			s.opts.log.Info("applied", "kind", string(c.Kind), "name", c.Name, "action", string(c.Action))
		} else {
			s.opts.log.Info("applied", "kind", string(c.Kind), "name", c.Name, "action", string(c.Action), "note", c.Note)
		}
		if c.Action != declare.Unchanged {
			s.audit.Record(ctx, store.Change{By: by, Action: "apply-" + string(c.Action), Kind: c.Kind, ID: c.Name, Before: c.Before, After: c.After})
		}
	}
	return err
}

// handler puts Lambda's API, the admin API and the open routes behind one door.
func (s *server) handler(l net.Listener) (http.Handler, error) {
	f, log := s.opts.file, s.opts.log
	functions, err := lambda.New(lambda.Config{
		Store: s.store, Engine: s.engine, Code: s.code, Cluster: s.clusterOf, Networks: s.networks, Notes: s.notes, Destination: s.noDestination, Region: f.Region, AccountID: f.AccountID,
		Pattern: func(p string) error { _, err := filter.Compile(p); return err },
		Audit:   s.audit, Actor: door.Actor, Log: log, Secrets: door.MaySeeSecrets,
		Allow: func(ctx context.Context, operation string) error { return door.Allow(ctx, door.LambdaAPI+operation) },
	})
	if err != nil {
		return nil, err
	}
	administration, err := admin.New(admin.Config{
		Store: s.store, Engine: s.engine, Code: s.code, Logs: s.logs, Kafka: s.kafka, Audit: s.audit, Letters: s.letters(), Migrations: s.migrations, Doctor: s.doctor(), Backup: s.backup, Actor: door.Actor,
		Region: f.Region, AccountID: f.AccountID, Version: version(), Process: s.process, Clusters: f.Clusters, Networks: f.Networks, Sections: cli.Sections(f), Integration: s.checkIntegration(),
		Listen: l.Addr().String(), Started: s.started, Stopping: s.stopping, Identities: s.cloud.Identities, Notes: s.notes,
		Log: log, Secrets: door.MaySeeSecrets, AWS: s.cloud.Config,
		Allow: func(ctx context.Context, operation string) error { return door.Allow(ctx, door.AdminAPI+operation) },
		Mask:  s.maskRecord(), MaskText: s.mask.Text,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/gantry/v1/", s.orFunctions(administration))
	mux.Handle("/metrics", admin.Metrics(s.engine, version(), s.cloud.Identities, s.produced.Uses))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("/readyz", s.ready)
	mux.Handle("/", functions)
	return door.New(door.Config{
		Listen: l.Addr().String(), Names: s.names(), Keys: s.keys, Anonymous: s.opts.anonymous,
		Open: append([]string{"/healthz", "/readyz", "/metrics"}, lambda.OpenPaths()...), Log: log,
	}, mux)
}

// clusterOf names the configured cluster of a source: its ARN, or a broker in common.
func (s *server) clusterOf(src mapping.Source) string {
	clusters := s.opts.file.Clusters
	for _, name := range slices.Sorted(maps.Keys(clusters)) {
		shared := slices.ContainsFunc(src.Bootstrap, func(b string) bool { return slices.Contains(clusters[name].Brokers, b) })
		if shared || src.ARN != "" && (src.ARN == name || src.ARN == clusters[name].ARN) {
			return name
		}
	}
	return ""
}

// noDestination says why a function's events can't be sent somewhere, "" = they can.
func (s *server) noDestination(to string) string {
	cluster, _, ok := engine.SplitTopic(to)
	if !ok {
		return fmt.Sprintf("%q is not supported by gantry yet, only kafka://CLUSTER/TOPIC with a cluster of clusters:", to)
	}
	if _, ok := s.opts.file.Clusters[cluster]; !ok {
		return fmt.Sprintf("there is no cluster %q in clusters:", cluster)
	}
	return ""
}

// ready says whether every mapping that should run has joined its group.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	for _, r := range s.engine.Running() {
		if !r.Snapshot.Joined {
			http.Error(w, "mapping "+r.UUID+" has not joined its group yet", http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = io.WriteString(w, "ready\n")
}

// run serves until ctx ends, then stops in order: streams, the mappings (drained and
// committed), their functions, and the API last, so that status answers meanwhile. The
// caller closes the data.
func (s *server) run(ctx context.Context, l net.Listener) error {
	h, err := s.handler(l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	api := door.Server(h, s.opts.log)
	serving := make(chan error, 1)
	go func() { serving <- api.Serve(l) }()

	running, stopEngine := context.WithCancel(ctx)
	defer stopEngine()
	var renewing sync.WaitGroup
	renewing.Go(func() { s.cloud.Run(running) })
	defer renewing.Wait()
	finishing, cut := endsAfter(running, stopTimeout)
	defer cut()
	engineDone := make(chan error, 1)
	go func() { engineDone <- s.engine.Run(running, finishing) }()
	if s.tls != nil {
		go s.tls.Watch(running)
	}
	if err := s.apply(ctx); err != nil && ctx.Err() == nil {
		s.opts.log.Error("the file was not applied whole", "file", s.opts.name, "error", err)
	}
	var moving sync.WaitGroup
	migrating, stopMigrations := context.WithCancel(ctx)
	defer stopMigrations()
	moving.Go(func() { s.migrations.Run(migrating) })
	select {
	case <-ctx.Done():
	case err = <-serving:
	}
	stopMigrations()
	moving.Wait() // a step ends at the next line of its ledger, while its mapping still runs
	close(s.stopping)
	stopEngine()
	err = errors.Join(err, <-engineDone)
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if api.Shutdown(closing) != nil {
		_ = api.Close() // an invocation's caller that waits for a function cut already
	}
	return err
}

// stopTimeout is longer than any drain.
const stopTimeout = 16 * time.Minute

// endsAfter gives a context that outlives ctx by a time: it bounds what ends once ctx
// has, and no clock runs before.
func endsAfter(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cut := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(d, cut)
		context.AfterFunc(later, func() { timer.Stop() })
	})
	return later, cut
}

func (s *server) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i].Close())
	}
	s.closers = nil
	return errors.Join(errs...)
}
