package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gantry/cloud"
	"gantry/engine"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/network"
	"gantry/produce"
	"gantry/secret"
	"gantry/sink"
	"gantry/store/code"
	"gantry/target/http"
	"gantry/target/lambda"
	"gantry/target/process"
	"gantry/telemetry/functionlog"
	"gantry/telemetry/mask"
)

// targets makes the place a function runs in, from what it says of itself.
type targets struct {
	region       string
	account      string
	dataDir      string
	interpreters map[string]string
	code         *code.Code
	logs         *functionlog.Logs
	cloud        *cloud.Cloud
	roles        cloud.Roles
	integrations func(name string, settings sink.Settings, d sink.Deps) (sink.Sink, error)
	kafka        kafka.Resolver
	secrets      *secret.Resolver
	produced     *produce.Writer
	networks     *network.Networks
	awsNetworks  []string // those AWS is reached through
	user         string   // that functions run as where they name none
	cgroups      *process.Cgroups
	mask         *mask.Mask
	log          *slog.Logger
}

// open implements engine.Targets.
func (t targets) open(ctx context.Context, fn function.Function, in *mapping.Surroundings) (engine.Target, error) {
	if fn.Kind == function.Process {
		return t.process(fn, in)
	}
	if in != nil && (in.Egress != nil || len(in.Environment) > 0) {
		return nil, fmt.Errorf("function %s: %s gives it other variables or closes ways out, and that can be done to processes here only; it is of kind %s", fn.Name, in.Name, fn.Kind)
	}
	switch fn.Kind {
	case function.HTTP:
		dial, err := t.dial(fn.Networks)
		if err != nil {
			return nil, err
		}
		target, err := http.New(fn.URL, http.Config{Timeout: fn.Timeout, Dial: dial})
		return closing{target}, err
	case function.Lambda:
		return t.inAWS(ctx, fn)
	case function.InProcess:
		return t.inProcess(fn)
	}
	return nil, fmt.Errorf("function %s: kind %q is not known", fn.Name, fn.Kind)
}

func (t targets) inAWS(ctx context.Context, fn function.Function) (engine.Target, error) {
	target, err := t.lambda(ctx, fn)
	if err != nil {
		return nil, err
	}
	return closing{target}, nil
}

func (t targets) lambda(ctx context.Context, fn function.Function) (*lambda.Target, error) {
	names := fn.Networks
	if len(names) == 0 {
		names = t.awsNetworks
	}
	dial, err := t.dial(names)
	if err != nil {
		return nil, err
	}
	cfg, err := t.cloud.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("find credentials for AWS: %w", err)
	}
	return lambda.New(fn.ARN, lambda.Config{AWS: cfg, Timeout: fn.Timeout, Dial: dial})
}

// codePatience is how long AWS may take to say which function it has.
const codePatience = 10 * time.Second

// codeOf is a digest of the code of a function that runs from a folder or in AWS.
func (t targets) codeOf(ctx context.Context, fn function.Function) (string, error) {
	if fn.Kind == function.Process {
		return code.Folder(ctx, fn.Code.Dir)
	}
	ctx, cancel := context.WithTimeout(ctx, codePatience)
	defer cancel()
	target, err := t.lambda(ctx, fn)
	if err != nil {
		return "", err
	}
	defer target.Close()
	return target.Revision(ctx)
}

// dial is nil, a target's own way, where no network is named.
func (t targets) dial(names []string) (network.Dial, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return t.networks.Dial(names...)
}

func (t targets) process(fn function.Function, in *mapping.Surroundings) (engine.Target, error) {
	dir := fn.Code.Dir
	if dir == "" {
		var err error
		if dir, err = t.code.Dir(fn.Code.SHA256); err != nil {
			return nil, err
		}
	}
	if in == nil {
		in = &mapping.Surroundings{}
	}
	return process.New(fn, process.Config{
		Overrides: in.Environment,
		CodeDir:   dir, Region: t.region, AccountID: t.account, DataDir: t.dataDir,
		Interpreters: t.interpreters, Log: logged{t.logs.Log(fn.Name), t.mask}, Logger: t.log,
		Credentials: t.credentials(fn),
		Produce:     t.produced.Captured(fn.Name, func(context.Context) (*function.Produce, error) { return fn.Produce, nil }, in.Capture),
		Secrets:     t.secrets, Packaged: fn.Code.Dir == "", User: t.user, Cgroups: t.cgroups,
		Egress: closed(in.Egress),
	})
}

// closed is the network of processes that may reach these targets alone.
func closed(to *mapping.Egress) *process.Egress {
	if to == nil {
		return nil
	}
	return &process.Egress{Targets: to.Targets}
}

// credentials are those a function gets by its role: never gantry's own.
func (t targets) credentials(fn function.Function) func(context.Context) (process.Credentials, error) {
	get := t.cloud.Role(t.roles, fn.Name, fn.Role)
	if get == nil {
		return nil
	}
	return func(ctx context.Context) (process.Credentials, error) {
		c, err := get(ctx)
		out := process.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		if c.CanExpire {
			out.Expires = c.Expires
		}
		return out, err
	}
}

// logged writes a process's lines into the function's log, masked: the file is read by
// others than gantry, too.
type logged struct {
	log  *functionlog.Log
	mask *mask.Mask
}

// Line implements process.Sink.
func (s logged) Line(l process.Line) {
	s.log.Write(functionlog.Line{Time: l.Time, Stream: l.Stream, RequestID: l.RequestID, Text: s.mask.Text(l.Text)})
}

func arnOf(region, account, name string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + name
}

// closing gives targets without processes of their own the engine's Close.
type closing struct{ function.Invoker }

// Close implements engine.Target.
func (c closing) Close(context.Context) error {
	if closer, ok := c.Invoker.(interface{ Close() }); ok {
		closer.Close()
	}
	return nil
}
