// Package cloud is the road to AWS: the one place that makes the aws.Config with which
// every part of gantry calls AWS. It brings credentials (a profile, a credential process,
// web identity, assumed roles, or what AWS's own variables and files say), the way (proxy,
// private CA, network) and the endpoints, per service or FIPS.
//
// The flow: Config makes the configuration at its first use and hands out the same one
// from then on. Its credentials are kept and renewed well before they expire, by Run,
// so that nobody waits for a renewal and one that fails is seen while those that are
// there still hold. Role gives the credentials of a function's role.
//
// What holds: credentials leave this package through aws.Config and Role alone; what is
// logged, counted or shown of them is their source, the end of their access key id, and
// times. A role for a function is never answered with gantry's own credentials.
package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Secrets resolves a reference (secret.Resolver).
type Secrets interface {
	One(ctx context.Context, ref string) (string, error)
}

// Options are what a Cloud needs beside its Config.
type Options struct {
	Region  string  // where neither the configuration nor AWS's variables and files name one
	Secrets Secrets // resolves the proxy's reference; may be nil without one
	// Dial makes the connections, in place of a proxy; nil = the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger
}

// Cloud makes configurations for AWS and keeps their credentials. Safe for use by many
// goroutines.
type Cloud struct {
	cfg Config
	o   Options

	mu      sync.Mutex // held while a configuration is made: it is made once
	main    *aws.Config
	gantry  *keeper            // of main
	roles   map[string]*keeper // of functions, and of other profiles
	keepers []*keeper
}

// New makes a Cloud from a Config that passed Validate. It reads nothing yet.
func New(c Config, o Options) *Cloud {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Cloud{cfg: c, o: o, roles: map[string]*keeper{}}
}

// Config gives the configuration of gantry's own calls. An error is tried again by the
// next caller.
func (c *Cloud) Config(ctx context.Context) (aws.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own(ctx)
}

// Profile gives the configuration of another profile of the shared files, with our way
// and our endpoints; "" is Config.
func (c *Cloud) Profile(ctx context.Context, name string) (aws.Config, error) {
	if name == "" || name == c.cfg.Profile {
		return c.Config(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile(ctx, name)
}

// Reread is Profile for a caller whose signature was refused: the credentials are taken
// anew from where they come from, files and variables of AWS included, for everybody.
func (c *Cloud) Reread(ctx context.Context, name string) (aws.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "" && name != c.cfg.Profile {
		next, err := c.load(ctx, name)
		if k := c.roles["profile "+name]; k != nil && err == nil {
			k.follow(next.Credentials)
		}
		return c.profile(ctx, name)
	}
	if c.main == nil {
		return c.own(ctx)
	}
	next, err := c.source(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	c.gantry.follow(next.Credentials)
	return c.main.Copy(), nil
}

// profile is Profile with c.mu held.
func (c *Cloud) profile(ctx context.Context, name string) (aws.Config, error) {
	cfg, err := c.load(ctx, name)
	if err != nil {
		return aws.Config{}, err
	}
	k := c.roles["profile "+name]
	if k == nil {
		k = c.keep("profile "+name, cfg.Credentials, gantryWindow)
		c.roles["profile "+name] = k
	}
	cfg.Credentials = k.cache
	return cfg, nil
}

// own is Config with c.mu held.
func (c *Cloud) own(ctx context.Context) (aws.Config, error) {
	if c.main != nil {
		return c.main.Copy(), nil
	}
	cfg, err := c.source(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	c.gantry = c.keep("gantry", cfg.Credentials, gantryWindow)
	cfg.Credentials = c.gantry.cache
	c.main = &cfg
	return cfg.Copy(), nil
}

// source is the configuration of gantry's own calls with credentials nobody keeps yet.
func (c *Cloud) source(ctx context.Context) (aws.Config, error) {
	cfg, err := c.load(ctx, c.cfg.Profile)
	if err != nil {
		return aws.Config{}, err
	}
	switch w := c.cfg.WebIdentity; {
	case c.cfg.CredentialProcess != "":
		cfg.Credentials = processcreds.NewProvider(c.cfg.CredentialProcess)
	case w != WebIdentity{}:
		cfg.Credentials = stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(cfg), w.RoleARN, stscreds.IdentityTokenFile(w.TokenFile),
			func(o *stscreds.WebIdentityRoleOptions) {
				o.RoleSessionName, o.Duration = orGantry(w.SessionName), w.Duration
			})
	}
	if a := c.cfg.AssumeRole; a != (AssumeRole{}) {
		cfg.Credentials = assume(cfg, a)
	}
	return cfg, nil
}

// assume takes a role on with a configuration's credentials.
func assume(cfg aws.Config, a AssumeRole) aws.CredentialsProvider {
	cfg = cfg.Copy()
	cfg.Credentials = aws.NewCredentialsCache(cfg.Credentials)
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = orGantry(a.SessionName), cmp.Or(a.Duration, time.Hour) // the SDK's own would be 15 minutes
		if a.ExternalID != "" {
			o.ExternalID = aws.String(a.ExternalID)
		}
	})
}

func orGantry(name string) string { return cmp.Or(name, "gantry") }

// load reads AWS's variables and files, and puts our way and our endpoints in.
func (c *Cloud) load(ctx context.Context, profile string) (aws.Config, error) {
	if _, set := os.LookupEnv("AWS_ENDPOINT_URL"); set && len(c.cfg.Endpoints) > 0 {
		return aws.Config{}, errors.New("aws.endpoints: the variable AWS_ENDPOINT_URL, set for gantry, would win over them; unset it, or write its URL as aws.endpoint")
	}
	client, err := c.client()
	if err != nil {
		return aws.Config{}, err
	}
	opts := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.Client = at(o.Client, c.cfg.Endpoints["sts"]) }),
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			o.Client = withTokenAt(o.Client, c.cfg.Endpoints["sts"])
		}),
	}
	if profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(profile))
	}
	if c.cfg.Region != "" {
		opts = append(opts, config.WithRegion(c.cfg.Region))
	}
	if c.cfg.Endpoint != "" {
		opts = append(opts, config.WithBaseEndpoint(c.cfg.Endpoint))
	}
	if c.cfg.FIPS {
		opts = append(opts, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	if path := c.cfg.CABundle; path != "" {
		file, err := os.Open(path)
		if err != nil {
			return aws.Config{}, fmt.Errorf("aws.caBundle: %w; name a file of PEM certificates that gantry may read", err)
		}
		defer file.Close()
		opts = append(opts, config.WithCustomCABundle(file))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: %w; check the aws: section, AWS's variables and the profile", err)
	}
	if cfg.Region == "" {
		cfg.Region = c.o.Region
	}
	if len(c.cfg.Endpoints) > 0 { // first, so that it wins over AWS's own variables and files
		cfg.ConfigSources = append([]any{endpoints(c.cfg.Endpoints)}, cfg.ConfigSources...)
	}
	return cfg, nil
}
