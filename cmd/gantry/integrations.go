package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/engine"
	"gantry/function"
	"gantry/integration"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/sink"
	"gantry/target/inprocess"
	"gantry/telemetry/functionlog"
)

// integrate makes the Sink of a ready-made function of the catalogue.
func integrate(name string, settings sink.Settings, d sink.Deps) (sink.Sink, error) {
	sp, err := integration.Find(name)
	if err != nil {
		return nil, err
	}
	full, err := sp.Prepare(settings)
	if err != nil {
		return nil, err
	}
	return sp.New(full, d)
}

// checkIntegration checks the ready-made functions of files that are applied. Whoever
// brought integrations of its own knows them.
func (s *server) checkIntegration() func(string, map[string]string) error {
	if s.opts.integrations != nil {
		return nil
	}
	return integration.Check
}

// inProcess makes the target of a ready-made function.
func (t targets) inProcess(fn function.Function) (engine.Target, error) {
	d, err := t.deps(fn)
	if err != nil {
		return nil, err
	}
	made, err := t.integrations(fn.Integration, fn.Settings, d)
	if err != nil {
		return nil, fmt.Errorf("integration %s: %w", fn.Integration, err)
	}
	handler := sink.Handler(made, d)
	target, err := inprocess.New(fn.Name, handler, inprocess.Config{
		ARN: arnOf(t.region, t.account, fn.Name), Timeout: fn.Timeout, Concurrency: slots,
	})
	if err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return integrated{target, handler}, nil
}

// slots is how many invocations of one integration may run at once, whichever mappings
// they are for.
const slots = 100

// integrated is the target of an integration with what it holds.
type integrated struct {
	*inprocess.Target
	handler *sink.LambdaHandler
}

// Close implements engine.Target.
func (i integrated) Close(context.Context) error { return i.handler.Close() }

// deps is what an integration may use.
func (t targets) deps(fn function.Function) (sink.Deps, error) {
	d := sink.Deps{
		Function: fn.Name, Secret: t.secrets.One, Forget: t.secrets.ForgetOne, Now: time.Now, Kafka: t.producer,
		AWS: func(ctx context.Context) (aws.Config, error) { return t.awsOf(ctx, fn) },
	}
	if t.logs != nil {
		log := t.logs.Log(fn.Name)
		d.Log = func(line string) {
			log.Write(functionlog.Line{Time: time.Now(), Stream: "stderr", Text: t.mask.Text(line)})
		}
	}
	dial, err := t.dial(fn.Networks)
	if dial != nil {
		d.Dial = dial
	}
	return d.WithDefaults(), err
}

// awsOf is the configuration for an integration's calls to AWS: with the credentials of
// its role, or gantry's own where it names none.
func (t targets) awsOf(ctx context.Context, fn function.Function) (aws.Config, error) {
	cfg, err := t.cloud.Config(ctx)
	if err != nil || fn.Role == "" {
		return cfg, err
	}
	get := t.cloud.Role(t.roles, fn.Name, fn.Role)
	if get == nil {
		return cfg, fmt.Errorf("function %s: %s; give its role an entry there, or leave role out to use the credentials of the aws member", fn.Name, t.roles.Grants(fn.Role))
	}
	cfg.Credentials = aws.CredentialsProviderFunc(get)
	return cfg, nil
}

// producer opens a producer for an integration.
func (t targets) producer(ctx context.Context, to sink.Cluster) (sink.Producer, error) {
	resolver := t.kafka
	if to.Name == "" {
		to.Name = "brokers of the integration"
		resolver.Clusters = map[string]kafka.Config{to.Name: clusterOf(to)}
	}
	cluster, err := resolver.Resolve(ctx, mapping.Source{Cluster: to.Name})
	if err != nil {
		return nil, err
	}
	p, err := kafka.NewProducer(cluster)
	if err != nil {
		return nil, err
	}
	return producer{p}, nil
}

// clusterOf is a cluster that settings describe.
func clusterOf(to sink.Cluster) kafka.Config {
	c := kafka.Config{Brokers: to.Brokers, AllowPlaintext: !to.TLS}
	if to.TLS {
		c.TLS = &kafka.TLSConfig{CA: to.CA}
	}
	if to.Mechanism != "" {
		c.SASL = &kafka.SASLConfig{Mechanism: kafka.Mechanism(to.Mechanism), Secret: to.Login}
	}
	return c
}

// producer gives a producer the words of package sink.
type producer struct{ *kafka.Producer }

// Produce implements sink.Producer.
func (p producer) Produce(ctx context.Context, topic string, messages []sink.Message) []error {
	list := make([]kafka.Message, len(messages))
	for i, m := range messages {
		list[i] = kafka.Message{Key: m.Key, Value: m.Value, Headers: m.Headers, Timestamp: m.Time}
		if m.Partition >= 0 {
			list[i].Partition = &messages[i].Partition
		}
	}
	positions, err := p.Producer.Produce(ctx, topic, list...)
	errs := make([]error, len(messages))
	for i := range errs {
		if err != nil && (i >= len(positions) || positions[i].Offset < 0) {
			errs[i] = err
		}
	}
	return errs
}
