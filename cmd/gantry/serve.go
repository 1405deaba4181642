package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gantry/api/door"
	"gantry/declare"
	"gantry/integration"
	"gantry/kafka"
	"gantry/kafka/embedded"
	"gantry/target/process"
)

// serveFlags override the file, so that several processes may share one.
type serveFlags struct {
	config   string
	listen   string
	dataDir  string
	logLevel string
	logJSON  bool
	insecure bool
}

func serveCommand(s streams) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the mappings of a file, and those made through Lambda's API",
		Long: `Serve runs gantry's engine and its API until it is told to stop (Ctrl-C or SIGTERM):
then what is in flight ends, offsets are committed, and groups are left.

Functions and mappings of the file are applied at the start; those made through the
API live beside them. Several processes may serve the same file, each with a data
directory and a port of its own: Kafka shares the partitions out between them.`,
		Example: `  gantry serve -c gantry.yaml
  gantry serve -c gantry.yaml --data-dir ./second --listen 127.0.0.1:9401
  gantry serve                      # no file: mappings come from the aws CLI`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), f, s) },
	}
	c.Flags().StringVarP(&f.config, "config", "c", "", "configuration file (YAML)")
	c.Flags().StringVar(&f.listen, "listen", "", "address of the API; other than loopback needs tls: (default "+declare.DefaultListen+")")
	c.Flags().BoolVar(&f.insecure, "insecure", false, "listen without TLS on an address that is not loopback: everybody on the way reads what is sent")
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "where gantry keeps its state (default "+declare.DefaultDataDir+")")
	c.Flags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (default info)")
	c.Flags().BoolVar(&f.logJSON, "log-json", false, "log JSON lines")
	return c
}

func serve(ctx context.Context, flags serveFlags, s streams) error {
	file, base, err := load(flags)
	if err != nil {
		return err
	}
	log, err := logger(flags, file.Telemetry.Logs, s)
	if err != nil {
		return err
	}
	log = masked(log, file)
	brokers, err := startEmbedded(file)
	if err != nil {
		return err
	}
	defer brokers()
	if err := process.Harden(); err != nil {
		log.Warn("this process could not be closed to its functions", "event", "isolation.not_hardened", "error", err)
	}
	notes(file, log)
	srv, err := open(ctx, options{file: file, base: base, name: cmp.Or(flags.config, "none"), log: log})
	if err != nil {
		return err
	}
	l, err := door.Listen(ctx, door.Place{Address: file.Listen, Keys: true, TLS: srv.tls, Insecure: flags.insecure})
	if err != nil {
		_ = srv.close()
		return err
	}
	greet(srv, l.Addr().String(), s)
	srv.exposures(ctx)
	srv.ownEnvironment(l.Addr().String())
	err = srv.run(ctx, l)
	if closed := srv.close(); err == nil {
		err = closed
	}
	return err
}

// load reads the file, or makes one up where none was given, and lets flags win.
func load(flags serveFlags) (*declare.File, string, error) {
	var text []byte
	base := "."
	if flags.config != "" {
		var err error
		if text, err = os.ReadFile(flags.config); err != nil {
			return nil, "", fmt.Errorf("read the configuration: %w", err)
		}
		base = filepath.Dir(flags.config)
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, "", err
	}
	file, err := declare.Parse(text, declare.Identity{
		Name: cmp.Or(flags.config, "(no file)"), Dir: base,
		Integration: integration.Check,
		Client:      func(path string) (kafka.Config, error) { return kafka.FromProperties(path, os.LookupEnv) },
	})
	if err != nil {
		return nil, "", err
	}
	if file.DataDir != "" && !filepath.IsAbs(file.DataDir) {
		file.DataDir = filepath.Join(base, file.DataDir)
	}
	file.DataDir = cmp.Or(flags.dataDir, file.DataDir, declare.DefaultDataDir)
	file.Listen = cmp.Or(flags.listen, file.Listen, declare.DefaultListen)
	return file, base, nil
}

// startEmbedded starts the built-in broker for each cluster that asks for one.
func startEmbedded(file *declare.File) (stop func(), err error) {
	var running []*embedded.Broker
	stop = func() {
		for _, b := range running {
			b.Close()
		}
	}
	for name, c := range file.Clusters {
		if !c.Embedded {
			continue
		}
		b, err := embedded.Start(embedded.Config{Topics: topicsOf(file, name)})
		if err != nil {
			stop()
			return nil, fmt.Errorf("clusters.%s: start the built-in broker: %w", name, err)
		}
		running = append(running, b)
		file.Clusters[name] = kafka.Config{Brokers: b.Brokers()}
		for i := range file.Mappings {
			if src := &file.Mappings[i].Source; src.Cluster == name {
				src.Bootstrap = b.Brokers()
			}
		}
	}
	return stop, nil
}

// topicsOf are the topics that a file speaks of on a cluster, so that its built-in
// broker has them from the start.
func topicsOf(file *declare.File, cluster string) []string {
	var topics []string
	for _, m := range file.Mappings {
		if m.Source.Cluster != cluster {
			continue
		}
		topics = append(topics, m.Source.Topics...)
		if dead, ok := strings.CutPrefix(m.OnFailure, "kafka://"); ok {
			topics = append(topics, dead)
		}
	}
	for _, fn := range file.Functions {
		if fn.Produce != nil && fn.Produce.Cluster == cluster {
			topics = append(topics, fn.Produce.Topics...)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// greet says where the API is and how to reach it. The secret itself is in a file.
func greet(s *server, address string, out streams) {
	url := s.scheme() + "://" + address
	fmt.Fprintf(out.err, "gantry %s serves on %s\n", version(), url)
	if len(s.opts.file.Keys) > 0 {
		return
	}
	credentials := filepath.Join(s.dataDir(), door.CredentialsFile)
	if abs, err := filepath.Abs(credentials); err == nil {
		credentials = abs
	}
	if s.madeKey {
		fmt.Fprintln(out.err, "a key pair was made for it; the aws CLI finds it so:")
	} else {
		fmt.Fprintln(out.err, "the aws CLI reaches it so:")
	}
	// Version 1 of the aws CLI and boto3 read AWS_DEFAULT_REGION, the other SDKs AWS_REGION.
	region := s.opts.file.Region
	fmt.Fprintf(out.err, "  export AWS_SHARED_CREDENTIALS_FILE=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s AWS_ENDPOINT_URL_LAMBDA=%s\n",
		credentials, region, region, url)
	fmt.Fprintln(out.err, "  aws lambda list-event-source-mappings")
}
