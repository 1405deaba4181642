package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"gantry/cli"
	"gantry/doctor"
	"gantry/engine"
	"gantry/function"
	"gantry/kafka"
	"gantry/target/process"
)

// doctor looks at the world as this gantry's mappings see it.
func (s *server) doctor() *doctor.Doctor {
	return &doctor.Doctor{
		Sources: s.kafka, AWS: s.cloud.Config, Where: fmt.Sprintf("gantry %s, process %s on %s", version(), s.process, hostname()),
		Dial: func(names []string) (kafka.Dialer, error) { return s.networks.Dial(names...) },
		Prepare: func(ctx context.Context, fn function.Function) error {
			target, err := s.targets.open(ctx, fn, nil)
			return ended(ctx, target, err)
		},
	}
}

func ended(ctx context.Context, target engine.Target, err error) error {
	if err != nil {
		return err
	}
	return target.Close(ctx)
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "this machine"
	}
	return name
}

// openLocal makes of a configuration file what commands can do without a gantry: it opens
// no data directory and listens nowhere.
func openLocal(_ context.Context, path string) (*cli.Local, error) {
	file, base, err := load(serveFlags{config: path})
	if err != nil {
		return nil, err
	}
	s := &server{opts: options{file: file, base: base, name: path, log: slog.New(slog.DiscardHandler)}}
	if err := s.openRoads(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.kafka = s.sources()
	d := s.doctor()
	d.Where = fmt.Sprintf("this command on %s, with %s", hostname(), path)
	d.Prepare = func(ctx context.Context, fn function.Function) error {
		dir, err := os.MkdirTemp("", "gantry-doctor-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }() // nothing of value
		pool, err := process.New(fn, process.Config{
			CodeDir: fn.Code.Dir, Region: file.Region, AccountID: file.AccountID, DataDir: dir,
			Interpreters: file.Interpreters, Logger: s.opts.log,
		})
		if err != nil {
			return err
		}
		return pool.Close(ctx)
	}
	return &cli.Local{File: file, Doctor: d, Source: s.kafka.Resolve, Close: s.close}, nil
}
