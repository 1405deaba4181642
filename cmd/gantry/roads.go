package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/cloud"
	"gantry/network"
	"gantry/secret"
)

// openRoads makes what leads out of gantry: to secrets, through networks, to AWS. They
// need each other (a secret may be in AWS, AWS behind a network, a network's password a
// secret), so each finds the others when it is used.
func (s *server) openRoads() error {
	f := s.opts.file
	s.secrets = secret.New(secret.Options{
		Rules: f.Secrets, Base: s.opts.base, LookupEnv: os.LookupEnv,
		AWS:  func(ctx context.Context) (aws.Config, error) { return s.cloud.Config(ctx) },
		Dial: func(names ...string) (network.Dial, error) { return s.networks.Dial(names...) },
	})
	s.networks = network.New(network.Options{Entries: f.Networks, Secrets: s.secrets, Log: s.opts.log})
	s.closers = append(s.closers, s.networks)
	o := cloud.Options{Region: f.Region, Secrets: s.secrets, Log: s.opts.log}
	if len(f.AWS.Network) > 0 {
		dial, err := s.networks.Dial(f.AWS.Network...)
		if err != nil {
			return fmt.Errorf("aws.network: %w", err)
		}
		o.Dial = dial
	}
	s.cloud = cloud.New(f.AWS, o)
	return nil
}

// ownEnvironment says where the variables with which gantry's clients reach gantry are
// set for gantry itself: it would take itself for AWS.
func (s *server) ownEnvironment(address string) {
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"} {
		if strings.HasSuffix(strings.TrimRight(os.Getenv(name), "/"), "://"+address) {
			s.opts.log.Warn("this variable leads to gantry itself: functions in AWS would be looked for here; start gantry without it",
				"event", "aws.own_environment", "variable", name)
		}
	}
	const file = "AWS_SHARED_CREDENTIALS_FILE"
	data, _ := filepath.Abs(s.dataDir()) // a path that can't be made absolute matches nothing
	if dir, err := filepath.Abs(filepath.Dir(os.Getenv(file))); err == nil && os.Getenv(file) != "" && dir == data {
		s.opts.log.Warn("this variable names the keys of gantry's own API: AWS would refuse them; start gantry without it",
			"event", "aws.own_environment", "variable", file)
	}
}
