package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/api/door"
	"gantry/declare"
	"gantry/network"
	"gantry/record"
	"gantry/secret"
	"gantry/telemetry/mask"
)

// openTLS reads the certificates that the API is served with, where there are any.
// Their secrets are kept shorter than others: a rotated one must be in use at once.
func (s *server) openTLS(ctx context.Context) (err error) {
	t := s.opts.file.TLS
	if t == nil || s.opts.anonymous {
		return nil
	}
	secrets := secret.New(secret.Options{
		Rules: s.opts.file.Secrets, Base: s.opts.base, LookupEnv: os.LookupEnv, Expiry: 5 * time.Second,
		AWS:  func(ctx context.Context) (aws.Config, error) { return s.cloud.Config(ctx) },
		Dial: func(names ...string) (network.Dial, error) { return s.networks.Dial(names...) },
	})
	load := func(ctx context.Context) (m door.Material, err error) {
		for ref, to := range map[string]*[]byte{t.Cert: &m.Cert, t.Key: &m.Key, t.ClientCA: &m.ClientCA} {
			if ref == "" {
				continue
			}
			text, err := secrets.Plain(ctx, ref)
			if err != nil {
				return m, err
			}
			*to = []byte(text)
		}
		return m, nil
	}
	s.tls, err = door.NewTLS(ctx, load, s.opts.log)
	return err
}

func (s *server) scheme() string {
	if s.tls != nil {
		return "https"
	}
	return "http"
}

// names are what clients may call this listener: those of the file, and those its
// certificate speaks for.
func (s *server) names() []string {
	names := slices.Clone(s.opts.file.AllowHosts)
	if s.tls != nil {
		names = append(names, s.tls.Names()...)
	}
	return names
}

// maskRecord gives what hides parts of records that are shown, nil where nothing does.
func (s *server) maskRecord() func(topic string, r *record.Record) {
	if s.mask == nil {
		return nil
	}
	return s.mask.Record
}

// masked is a log that hides what the file wants hidden.
func masked(log *slog.Logger, file *declare.File) *slog.Logger {
	return slog.New(mask.New(file.Masking).Handler(log.Handler()))
}
