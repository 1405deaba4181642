// Package postgresql is the integration that writes records to PostgreSQL: a server of
// one's own, Amazon RDS, or Aurora.
//
// The flow is that of package table. Rows go to the server as one array of texts for each
// column, in binary form: one statement for thousands of rows, nothing of a value is ever
// part of a statement's text, and the server itself reads each value by its column's type.
//
// What always holds: what does not fit a column is an error, never cut or rounded beyond
// what the column's own type says. Statements are not prepared, so poolers between
// transactions (RDS Proxy, PgBouncer) carry them.
package postgresql

import (
	"errors"
	"fmt"
	"strings"

	"gantry/integration/table"
	"gantry/sink"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "postgresql", Title: "PostgreSQL (Amazon RDS, Aurora)",
		About:    "Writes each record to a row of a table: upserts by key, deletes on tombstones, from JSON and Debezium's events.",
		Settings: settings(),
		Policy:   policy,
		Limits: "PostgreSQL takes 1 GB in one value and 1,600 columns in a table. " + table.Mode +
			" ON CONFLICT needs a unique index on exactly the key's columns.",
		Repeats: table.Repeats,
		Example: example,
		Valid:   valid,
		OneLane: table.OneLane,
		New:     open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
secrets: [{ prefix: "secret:", from: { dir: ./secrets } }]
functions:
  orders-to-postgresql:
    integration: postgresql
    settings:
      host: orders.cluster-c1.eu-west-1.rds.amazonaws.com
      database: shop
      table: public.orders
      login: secret:orders-database       # username and password
      guard: orders-to-postgresql         # each record has its effect exactly once
    timeout: 2m
mappings:
  orders-to-postgresql:
    function: orders-to-postgresql
    cluster: onprem
    topic: orders
    startingPosition: TRIM_HORIZON
    batchSize: 5000
    maximumBatchingWindow: 1s
    maximumRetryAttempts: 5
    onFailure: kafka://orders.dead
`

func settings() []sink.Setting {
	own := []sink.Setting{
		{Name: "host", Required: true, About: "host or host:port of the server; several with commas between them, of which the one that takes writes is used", Example: "db-1:5432,db-2:5432"},
		{Name: "database", Required: true, About: "the database", Example: "shop"},
		{Name: "searchPath", About: "schemas that a table without one is looked for in", Example: "shop,public"},
		{Name: "iam", About: "log in with IAM database authentication of RDS, as the setting user and with the function's role, in place of a password", Default: "false", Values: sink.Flags()},
		{Name: "epoch", About: "what a whole number is in a column of timestamps, where no schema says it: error, s, ms, us or ns since 1970", Default: "error", Values: []string{"error", "s", "ms", "us", "ns"}},
	}
	return append(own, table.Settings()...)
}

func valid(s sink.Settings) []error {
	errs := table.Valid(s)
	for _, h := range s.List("host") {
		if strings.ContainsAny(h, " /@") {
			errs = append(errs, fmt.Errorf("host: %q is no host or host:port; a login goes into login", h))
		}
	}
	if s.Bool("iam") {
		if s["user"] == "" || s["login"] != "" || s["password"] != "" {
			errs = append(errs, errors.New("iam: needs the setting user, and neither login nor password"))
		}
		if s["tls"] == "disable" {
			errs = append(errs, errors.New("tls: RDS takes IAM's tokens over TLS only"))
		}
	}
	return errs
}

func policy(s sink.Settings) []sink.Statement {
	if !s.Bool("iam") {
		return nil
	}
	return []sink.Statement{sink.Allow("arn:aws:rds-db:REGION:ACCOUNT:dbuser:RESOURCE_ID/"+s["user"], "rds-db:connect")}
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := table.Configure(s)
	if err != nil {
		return nil, err
	}
	server := &server{settings: s, deps: d.WithDefaults()}
	c.Open, c.Fault = server.open, server.explain
	return table.New(c, dialect{epoch: s["epoch"], guard: s["searchPath"]}), nil
}
