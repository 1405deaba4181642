// Package kafka is the integration that writes records to a topic of the same or of
// another cluster: keys, values, headers and timestamps as they are, tombstones among them.
//
// The flow: the records of a batch are produced together by an idempotent producer, each
// with headers that say where it came from, and count once all in-sync replicas have them.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"gantry/kafka"
	"gantry/record"
	"gantry/sink"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "kafka", Title: "Kafka topic",
		About:    "Writes records to another topic, of the same or of another cluster, with keys, headers and timestamps.",
		Settings: settings(),
		Limits:   "The topic's max.message.bytes, 1 MiB by default: a record over it is refused. The other topic's partitions may be fewer or more. A header whose value is null arrives with an empty one: AWS's event has no word for it.",
		Repeats: "Not idempotent: the producer writes each request once, but records of a batch that comes again are written again, behind the first ones. " +
			"The headers gantry-source-topic, -partition and -offset tell. For exactly once use the mapping's output: {transactional: true} in place of this.",
		Example: example,
		Valid:   valid,
		New:     open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
  cloud:  { brokers: ["b-1.example.kafka.eu-west-1.amazonaws.com:9098"], tls: {}, sasl: { mechanism: AWS_MSK_IAM } }
functions:
  orders-to-cloud:
    integration: kafka
    settings: { cluster: cloud, topic: "onprem.{{ .topic }}" }
    timeout: 1m
mappings:
  orders-to-cloud: { function: orders-to-cloud, cluster: onprem, topic: orders, startingPosition: TRIM_HORIZON, batchSize: 1000 }
`

func settings() []sink.Setting {
	return []sink.Setting{
		{Name: "topic", Required: true, About: "where to; a template", Example: "copy.{{ .topic }}", Check: sink.CheckTemplate},
		{Name: "cluster", About: "one of clusters: of the configuration; in AWS Lambda there is none, so name brokers", Example: "cloud"},
		{Name: "brokers", About: "bootstrap brokers, with commas between them, in place of cluster", Example: "b-1:9098,b-2:9098"},
		{Name: "tls", About: "connect with TLS; goes with brokers", Default: "true", Values: sink.Flags()},
		{Name: "ca", About: "PEM certificates that are trusted, and no others; goes with brokers", Secret: true},
		{Name: "mechanism", About: "how to log in; goes with brokers", Values: []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "AWS_MSK_IAM"}},
		{Name: "login", About: "username and password; goes with mechanism", Secret: true, Example: "secret:kafka-user"},
		{Name: "partition", About: "by the key, as Kafka's own producer does, or the same number", Default: "key", Values: []string{"key", "same"}},
		{Name: "timestamps", About: "keep the records' own, or take the time of writing", Default: "keep", Values: []string{"keep", "new"}},
		{Name: "sourceHeaders", About: "add gantry-source-topic, -partition and -offset", Default: "true", Values: sink.Flags()},
	}
}

func valid(s sink.Settings) []error {
	var errs []error
	if (s["cluster"] == "") == (s["brokers"] == "") {
		errs = append(errs, errors.New("cluster: want exactly one of cluster and brokers"))
	}
	if needs := s["mechanism"] != "" && s["mechanism"] != "AWS_MSK_IAM"; needs != (s["login"] != "") {
		errs = append(errs, errors.New("login: goes with mechanism SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, which need it"))
	}
	if s["cluster"] != "" && s["mechanism"]+s["ca"] != "" {
		errs = append(errs, errors.New("mechanism, ca: how to reach a cluster of clusters: is said there"))
	}
	return errs
}

// topic is the Sink.
type topic struct {
	settings sink.Settings
	deps     sink.Deps
	name     *sink.Template

	mu   sync.Mutex
	open sink.Producer // nil = not opened yet
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	name, err := sink.ParseTemplate(s["topic"])
	return &topic{settings: s, deps: d, name: name}, err
}

// producer opens the producer at its first use; what fails is tried again by the next.
func (t *topic) producer(ctx context.Context) (sink.Producer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		return t.open, nil
	}
	p, err := t.deps.Kafka(ctx, sink.Cluster{
		Name: t.settings["cluster"], Brokers: t.settings.List("brokers"), TLS: t.settings.Bool("tls"),
		CA: t.settings["ca"], Mechanism: t.settings["mechanism"], Login: t.settings["login"],
	})
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: fmt.Errorf("reach the other cluster: %w", err)}
	}
	t.open = p
	return p, nil
}

// Close implements sink.Sink.
func (t *topic) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		t.open.Close()
		t.open = nil
	}
	return nil
}

// Write implements sink.Sink.
func (t *topic) Write(ctx context.Context, records []sink.Record) (out sink.Result, _ error) {
	p, err := t.producer(ctx)
	if err != nil {
		return out, err
	}
	to := map[string][]int{}
	for i := range records {
		name, err := t.name.Fill(&records[i])
		if err != nil {
			out.Failed = append(out.Failed, sink.Failure{Index: i, Err: err})
			continue
		}
		to[name] = append(to[name], i)
	}
	for name, part := range to {
		messages := make([]sink.Message, len(part))
		for n, i := range part {
			messages[n] = t.message(&records[i])
		}
		for n, err := range p.Produce(ctx, name, messages) {
			if err != nil {
				out.Failed = append(out.Failed, sink.Failure{Index: part[n], Err: &sink.Fault{Cause: causeOf(err), Err: err}})
			}
		}
	}
	return out, nil
}

func (t *topic) message(r *sink.Record) sink.Message {
	m := sink.Message{Partition: -1, Key: r.Key, Value: r.Value, Headers: r.Headers}
	if t.settings["partition"] == "same" {
		m.Partition = r.Partition
	}
	if t.settings["timestamps"] == "keep" {
		m.Time = r.Time
	}
	if t.settings.Bool("sourceHeaders") {
		m.Headers = append(append([]record.Header(nil), r.Headers...),
			record.Header{Key: "gantry-source-topic", Value: []byte(r.Topic)},
			record.Header{Key: "gantry-source-partition", Value: []byte(strconv.Itoa(int(r.Partition)))},
			record.Header{Key: "gantry-source-offset", Value: []byte(strconv.FormatInt(r.Offset, 10))})
	}
	return m
}

// causeOf reads the errors of kafka.Producer.
func causeOf(err error) sink.Cause {
	var denied *kafka.Denied
	switch {
	case errors.Is(err, kafka.ErrTooLarge):
		return sink.Refused
	case errors.Is(err, kafka.ErrUnknownTopic), errors.As(err, &denied):
		return sink.Misconfigured
	}
	return sink.Failed // it may be on its way
}
