// Package opensearch is the integration that writes records to OpenSearch and
// Elasticsearch by their bulk API, signed where the domain is Amazon's.
//
// The flow: a record becomes one action of a bulk request, which indexes or deletes the
// document under the id its key says; the answer tells of each action what became of it.
//
// What always holds: with versions (the default) an action carries the record's offset as
// the document's external version, so an older record never overwrites a newer one, however
// often and in whatever order records come again.
package opensearch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"gantry/sink"
	"gantry/sink/row"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "opensearch", Title: "Amazon OpenSearch Service, OpenSearch, Elasticsearch",
		About:    "Indexes each record as a document by its key, and deletes it on tombstones, with bulk requests.",
		Settings: settings(),
		Policy:   policy,
		Limits:   "A request of Amazon's service has up to 10 MB (small instances) or 100 MB; ours have maxBytes and one document. A domain that rejects for its queue is full gets the rest again.",
		Repeats: "With versions: offset a record that comes again is the version that is there already, or an older one: the service refuses it as a conflict, which counts as written. " +
			"A topic that was made anew begins its offsets anew: empty the index, or set versions: none. With none the document is written again with the same content.",
		Example: example,
		Valid:   valid,
		New:     open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-opensearch:
    integration: opensearch
    settings:
      url: https://search-orders-abc.eu-west-1.es.amazonaws.com
      index: "{{ .topic }}"
      aws: "true"                          # signed with the function's role
    timeout: 1m
mappings:
  orders-to-opensearch:
    function: orders-to-opensearch
    cluster: onprem
    topic: orders
    startingPosition: TRIM_HORIZON
    batchSize: 1000
    maximumBatchingWindow: 1s
    maximumRetryAttempts: 5
    onFailure: kafka://orders.dead
`

func settings() []sink.Setting {
	return []sink.Setting{
		{Name: "url", Required: true, About: "of the cluster or domain", Example: "https://search-1:9200", Check: sink.HTTPURL},
		{Name: "index", About: "the index, or a data stream's alias; a template", Default: "{{ .topic }}", Example: `orders-{{ .time.Format "2006.01" }}`, Check: sink.CheckTemplate},
		{Name: "format", About: "what values are: json (an object, or Kafka Connect's with a schema), debezium (its envelope), auto tells them apart", Default: "auto", Values: []string{"auto", "json", "debezium"}},
		{Name: "id", About: "where a document's id comes from: record (the record's key; fields are joined with -), value (fields of the value), kafka (topic-partition-offset)", Default: "record", Values: []string{"record", "value", "kafka"}},
		{Name: "idFields", About: "the fields that make the id; needed with id: value", Example: "tenant,id"},
		{Name: "versions", About: "offset: the record's offset is the document's external version; none: the last that is written stays", Default: "offset", Values: []string{"offset", "none"}},
		{Name: "deletes", About: "whether a tombstone, and Debezium's op d, delete the document; false passes over them", Default: "true", Values: sink.Flags()},
		{Name: "aws", About: "sign requests with the function's credentials of AWS", Default: "false", Values: sink.Flags()},
		{Name: "service", About: "what is signed for: es, or aoss (OpenSearch Serverless, which takes no versions: set versions: none)", Default: "es", Values: []string{"es", "aoss"}},
		{Name: "login", About: "reference to a secret with username and password, for basic authentication", Secret: true, Example: "secret:search"},
		{Name: "ca", About: "reference to PEM certificates that are trusted in place of the system's", Secret: true, Example: "file:./ca.pem"},
		{Name: "maxBytes", About: "of one request", Default: "5242880", Check: sink.Number(1000, 100<<20)},
		{Name: "timeout", About: "of one request", Default: "30s", Check: sink.Span(time.Second, 14*time.Minute)},
	}
}

func valid(s sink.Settings) []error {
	var errs []error
	if s["id"] == "value" && len(s.List("idFields")) == 0 {
		errs = append(errs, errors.New("idFields: is missing; with id: value it names the fields that make the id"))
	}
	if s.Bool("aws") && s["login"] != "" {
		errs = append(errs, errors.New("login: goes without aws: a request is signed or has a login"))
	}
	if s["service"] == "aoss" && s["versions"] == "offset" {
		errs = append(errs, errors.New("versions: OpenSearch Serverless takes none; set versions: none"))
	}
	return errs
}

func policy(s sink.Settings) []sink.Statement {
	switch {
	case !s.Bool("aws"):
		return nil
	case s["service"] == "aoss":
		return []sink.Statement{sink.Allow("arn:aws:aoss:REGION:ACCOUNT:collection/COLLECTION", "aoss:APIAccessAll")}
	}
	return []sink.Statement{sink.Allow("arn:aws:es:REGION:ACCOUNT:domain/DOMAIN/*", "es:ESHttpPost")}
}

// indices is the Sink.
type indices struct {
	settings sink.Settings
	deps     sink.Deps
	index    *sink.Template
	decoders sync.Pool

	mu     sync.Mutex
	client *http.Client
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	t, err := sink.ParseTemplate(s["index"])
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	o := &indices{settings: s, deps: d.WithDefaults(), index: t}
	o.decoders.New = func() any { return &row.Decoder{Format: row.Format(s["format"])} }
	return o, nil
}

// transport makes the client's connections; roots are asked for once.
func (o *indices) transport(cfg *tls.Config) *http.Client {
	return &http.Client{
		Timeout: o.settings.Duration("timeout"), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: o.deps.Dial, TLSClientConfig: cfg, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second},
	}
}

// Close implements sink.Sink.
func (o *indices) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client != nil {
		o.client.CloseIdleConnections()
	}
	return nil
}

func (o *indices) address() string { return strings.TrimRight(o.settings["url"], "/") + "/_bulk" }
