package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gantry/api/door"
	"gantry/cli"
	"gantry/cli/demo"
	"gantry/declare"
	"gantry/mapping"
	"gantry/sink"
)

// demoFlags are how somebody wants the story told.
type demoFlags struct {
	lasts       time.Duration
	headless    bool
	rate        int
	printConfig bool
	output      string
}

func demoCommand(s streams) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show records flowing from Kafka through functions, with nothing installed",
		Long: `Demo runs a whole gantry on a built-in broker: an order service and a payment service
write to two topics, and functions that replace them take the records from there. Filters,
retries, partial batch responses, a dead-letter topic and a bucket are part of it. At the
end every record is accounted for.

It is a real gantry: the other commands, and the aws CLI, work against it meanwhile with
--endpoint. Everything it keeps is in a temporary folder that is removed at the end.`,
		Example: `  gantry demo
  gantry demo --for 20s --headless
  gantry demo --print-config         # the file it runs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.output = cmd.Flag("output").Value.String()
			if f.printConfig {
				_, err := s.out.Write(demo.Config())
				return err
			}
			if err := f.validate(); err != nil {
				return cli.Usage(cmd, err)
			}
			return tell(cmd.Context(), f, s)
		},
	}
	c.Flags().DurationVar(&f.lasts, "for", 0, "end by itself after this time (default: Ctrl-C ends it)")
	c.Flags().BoolVar(&f.headless, "headless", false, "print lines, do not draw (also where the output is no terminal)")
	c.Flags().IntVar(&f.rate, "rate", 600, "records a second that the services write")
	c.Flags().BoolVar(&f.printConfig, "print-config", false, "print the configuration file the demo runs, and end")
	return c
}

func (f demoFlags) validate() error {
	var errs []error
	if f.lasts < 0 {
		errs = append(errs, fmt.Errorf("--for %s: a time cannot be negative", f.lasts))
	}
	if f.rate < 1 || f.rate > 20_000 {
		errs = append(errs, fmt.Errorf("--rate %d: want 1 to 20000", f.rate))
	}
	if f.output != "table" && f.output != "json" {
		errs = append(errs, fmt.Errorf("-o %s: want table or json", f.output))
	}
	return errors.Join(errs...)
}

// tell runs the demo in a folder of its own. Everything of it is gone afterwards.
func tell(ctx context.Context, f demoFlags, s streams) (err error) {
	if !signal.Ignored(syscall.SIGHUP) { // a terminal that is closed must leave nothing behind
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	dir, err := os.MkdirTemp("", "gantry-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	summary, err := tellIn(ctx, dir, f, s)
	if err != nil {
		return err
	}
	if f.output == "json" {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(summary)
	} else {
		summary.Print(s.out)
	}
	if err == nil && !summary.NothingLost() {
		return errors.New("the demo ended before every record was accounted for")
	}
	return err
}

func tellIn(ctx context.Context, dir string, f demoFlags, s streams) (demo.Summary, error) {
	file, notes, err := demoFile(ctx, dir)
	if err != nil {
		return demo.Summary{}, err
	}
	stopBroker, err := startEmbedded(file)
	if err != nil {
		return demo.Summary{}, err
	}
	defer stopBroker()
	said := &heldBack{}
	defer said.tell(s.err)
	bucket := demo.NewBucket(demo.BucketFolder(dir))
	srv, err := open(ctx, options{
		file: file, base: dir, name: "demo.yaml", anonymous: true, log: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelError})),
		integrations: func(string, sink.Settings, sink.Deps) (sink.Sink, error) { return bucket, nil },
	})
	if err != nil {
		return demo.Summary{}, err
	}
	return serveDemo(ctx, srv, demo.Options{
		Engine: srv.engine, File: file, Bucket: bucket, Dir: dir, For: f.lasts, Rate: f.rate, Notes: notes,
	}, f, s)
}

// demoFile prepares the folder and reads the demo's file in it.
func demoFile(ctx context.Context, dir string) (file *declare.File, notes []string, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find gantry's own program, which the demo's functions are: %w", err)
	}
	if err := demo.Prepare(dir, program); err != nil {
		return nil, nil, err
	}
	file, err = declare.Parse(demo.Config(), declare.Identity{Name: "demo.yaml", Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	file.DataDir = filepath.Join(dir, "data")
	if !demo.HasPython(ctx) {
		demo.WithoutPython(file)
		notes = append(notes, "no python3 on this machine: the function "+demo.PythonFunction+" was left out")
	}
	return file, notes, nil
}

// serveDemo serves while the story is told. It returns when all of it has stopped.
func serveDemo(ctx context.Context, srv *server, o demo.Options, f demoFlags, s streams) (summary demo.Summary, err error) {
	defer func() { err = errors.Join(err, srv.close()) }()
	l, err := listenDemo(ctx)
	if err != nil {
		return summary, err
	}
	o.Endpoint = "http://" + l.Addr().String()
	if o.Cluster, err = srv.kafka.Resolve(ctx, mapping.Source{Cluster: o.File.Mappings[0].Source.Cluster}); err != nil {
		_ = l.Close()
		return summary, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- srv.run(serving, l) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	hurry, calm := secondInterrupt(ctx)
	defer calm()
	o.Hurry = hurry
	screen, restore := demoScreen(f, s)
	defer restore()
	if _, plain := screen.(*demo.Plain); plain {
		fmt.Fprintf(s.err, "gantry demo on %s; look closer meanwhile: gantry status --endpoint %s\n", o.Endpoint, o.Endpoint)
	}
	o.Screen = screen
	return demo.Run(ctx, o)
}

// listenDemo takes gantry's own port where it is free, so that the other commands need
// no --endpoint.
func listenDemo(ctx context.Context) (net.Listener, error) {
	if l, err := door.Listen(ctx, door.Place{Address: declare.DefaultListen}); err == nil {
		return l, nil
	}
	return door.Listen(ctx, door.Place{Address: "127.0.0.1:0"})
}

// demoScreen draws where there is a terminal to draw on.
func demoScreen(f demoFlags, s streams) (screen demo.Screen, restore func()) {
	if !f.headless && f.output != "json" {
		if live, ok := demo.NewLive(s.out); ok {
			return live, live.Close
		}
	}
	to := s.out
	if f.output == "json" {
		to = s.err
	}
	return demo.NewPlain(to), func() {}
}

// secondInterrupt is closed by the Ctrl-C after the one that ended ctx: whoever asks
// twice does not want to wait for the rest.
func secondInterrupt(ctx context.Context) (hurry <-chan struct{}, stop func()) {
	signals, closed, done := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
			return
		}
		signal.Notify(signals, os.Interrupt)
		defer signal.Stop(signals)
		select {
		case <-signals:
			close(closed)
		case <-done:
		}
	}()
	return closed, sync.OnceFunc(func() { close(done) })
}

// heldBack keeps what is logged until the picture is gone.
type heldBack struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (h *heldBack) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(line)
}

func (h *heldBack) tell(to io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.text.WriteTo(to)
}
