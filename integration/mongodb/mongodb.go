// Package mongodb is the integration that writes records to MongoDB and Amazon DocumentDB.
//
// The flow: a record becomes a document under the _id its key says; of several records of
// one _id in a batch what they come to in the end is kept; what is left goes to the server
// as one unordered bulk write for each collection, which says for each document whether it
// was refused.
//
// What always holds: an _id is written to once in a batch, so a bulk write in any order
// keeps the order of its records; a record is reported as written once a majority of the
// replica set has it.
package mongodb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"gantry/sink"
	"gantry/sink/row"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "mongodb", Title: "MongoDB and Amazon DocumentDB",
		About:    "Writes each record to a document of a collection: replaced or merged by its key, deleted on tombstones, from JSON and Debezium's events.",
		Settings: settings(),
		Limits:   "A document has up to 16 MB; the driver cuts a bulk write at 100,000 documents and 48 MB.",
		Repeats:  "A record that comes again sets the document to the same content: the end is the same.",
		Example:  example,
		Valid:    valid,
		New:      open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
secrets: [{ prefix: "secret:", from: { dir: ./secrets } }]
functions:
  orders-to-documentdb:
    integration: mongodb
    settings:
      uri: mongodb://orders.cluster-c1.eu-west-1.docdb.amazonaws.com:27017/?tls=true&replicaSet=rs0
      database: shop
      collection: "{{ .topic }}"
      login: secret:orders-database       # username and password
      ca: file:./rds-ca.pem
    timeout: 1m
mappings:
  orders-to-documentdb:
    function: orders-to-documentdb
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
		{Name: "uri", Required: true, About: "where the servers are and how they are spoken to, without a login", Example: "mongodb://db-1:27017,db-2:27017/?replicaSet=rs0&tls=true"},
		{Name: "database", Required: true, About: "the database", Example: "shop"},
		{Name: "collection", About: "the collection; a template", Default: "{{ .topic }}", Check: sink.CheckTemplate},
		{Name: "format", About: "what values are: json (an object, or Kafka Connect's with a schema), debezium (its envelope), auto tells them apart. Members such as $oid and $date are read as MongoDB's Extended JSON",
			Default: "auto", Values: []string{"auto", "json", "debezium"}},
		{Name: "mode", About: "replace: the document becomes what the record says; merge: fields that the record does not have stay", Default: "replace", Values: []string{"replace", "merge"}},
		{Name: "key", About: "where _id comes from: record (the record's key: one value, or an object, of which one field is taken for its value), value (fields of the value), kafka (topic-partition-offset)",
			Default: "record", Values: []string{"record", "value", "kafka"}},
		{Name: "keyFields", About: "the fields that make _id; needed with key: value", Example: "tenant,id"},
		{Name: "deletes", About: "whether a tombstone, and Debezium's op d, delete the document; false passes over them", Default: "true", Values: sink.Flags()},
		{Name: "login", About: "reference to a secret with username and password, read anew when the server refuses it", Secret: true, Example: "secret:database"},
		{Name: "authSource", About: "the database that knows the user", Default: "admin"},
		{Name: "ca", About: "reference to PEM certificates that are trusted in place of the system's; goes with tls=true", Secret: true, Example: "file:./rds-ca.pem"},
		{Name: "connections", About: "the most connections to each server", Default: "16", Check: sink.Number(1, 1000)},
		{Name: "timeout", About: "of one bulk write", Default: "30s", Check: sink.Span(time.Second, 14*time.Minute)},
	}
}

func valid(s sink.Settings) []error {
	var errs []error
	u, err := url.Parse(s["uri"])
	switch {
	case err != nil || u.Scheme != "mongodb" && u.Scheme != "mongodb+srv":
		errs = append(errs, errors.New("uri: want mongodb://HOST:PORT,…/?OPTIONS"))
	case u.User != nil:
		errs = append(errs, errors.New("uri: holds a login; a login belongs into the secret that login names"))
	case s["ca"] != "" && !strings.Contains(u.RawQuery, "tls=true") && u.Scheme == "mongodb":
		errs = append(errs, errors.New("ca: goes with tls=true in the uri"))
	}
	if s["key"] == "value" && len(s.List("keyFields")) == 0 {
		errs = append(errs, errors.New("keyFields: is missing; with key: value it names the fields that make _id"))
	}
	return errs
}

// collections is the Sink.
type collections struct {
	settings sink.Settings
	deps     sink.Deps
	name     *sink.Template

	mu       sync.Mutex
	client   *mongo.Client // nil = not yet, or dropped with its login
	decoders sync.Pool
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	t, err := sink.ParseTemplate(s["collection"])
	if err != nil {
		return nil, fmt.Errorf("collection: %w", err)
	}
	c := &collections{settings: s, deps: d.WithDefaults(), name: t}
	c.decoders.New = func() any { return &row.Decoder{Format: row.Format(s["format"])} }
	return c, nil
}
