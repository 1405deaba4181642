// Package mysql is the integration that writes records to MySQL and MariaDB: a server of
// one's own, Amazon RDS, or Aurora.
//
// The flow is that of package table. Rows go to the server as INSERT … ON DUPLICATE KEY
// UPDATE with many rows.
//
// What always holds: the session is strict, whatever the server's own mode is, so a value
// that does not fit is an error and never cut; times are those of UTC. A row is changed by
// its primary key alone: a conflict with another unique index is refused, where MySQL by
// itself would change the other row.
package mysql

import (
	"fmt"
	"strings"

	"gantry/integration/table"
	"gantry/sink"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "mysql", Title: "MySQL and MariaDB (Amazon RDS, Aurora)",
		About:    "Writes each record to a row of a table: upserts by key, deletes on tombstones, from JSON and Debezium's events.",
		Settings: settings(),
		Limits: "A statement has up to max_allowed_packet bytes (16 MB on MariaDB, 64 MB on MySQL, where nobody set it); ours have at most 4 MB and one row. " +
			table.Mode + " The table's primary key is the key's columns. " +
			"MariaDB keeps JSON as text: a JSON string for such a column has to be JSON itself.",
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
  orders-to-mysql:
    integration: mysql
    settings:
      host: orders.c1.eu-west-1.rds.amazonaws.com
      database: shop
      table: orders
      login: secret:orders-database       # username and password
    timeout: 2m
mappings:
  orders-to-mysql:
    function: orders-to-mysql
    cluster: onprem
    topic: orders
    startingPosition: TRIM_HORIZON
    batchSize: 2000
    maximumBatchingWindow: 1s
    maximumRetryAttempts: 5
    onFailure: kafka://orders.dead
`

func settings() []sink.Setting {
	own := []sink.Setting{
		{Name: "host", Required: true, About: "host or host:port of the server", Example: "db-1:3306"},
		{Name: "database", Required: true, About: "the database", Example: "shop"},
		{Name: "epoch", About: "what a whole number is in a column of times, where no schema says it: error, s, ms, us or ns since 1970", Default: "error", Values: []string{"error", "s", "ms", "us", "ns"}},
	}
	return append(own, table.Settings()...)
}

func valid(s sink.Settings) []error {
	errs := table.Valid(s)
	if strings.ContainsAny(s["host"], " /@,") {
		errs = append(errs, fmt.Errorf("host: %q is no host or host:port; a login goes into login", s["host"]))
	}
	return errs
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := table.Configure(s)
	if err != nil {
		return nil, err
	}
	server := &server{settings: s, deps: d.WithDefaults()}
	c.Open, c.Fault = server.open, explain
	return table.New(c, dialect{epoch: s["epoch"]}), nil
}
