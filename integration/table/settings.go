package table

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gantry/sink"
	"gantry/sink/row"
)

// Settings are those that every relational database has.
func Settings() []sink.Setting {
	return []sink.Setting{
		{Name: "table", About: "the table, as SCHEMA.TABLE or TABLE; a template", Default: "{{ .topic }}", Example: "shop.{{ .topic }}", Check: sink.CheckTemplate},
		{Name: "format", About: "what values are: json (an object, or Kafka Connect's with a schema), debezium (its envelope), auto tells them apart", Default: "auto", Values: []string{"auto", "json", "debezium"}},
		{Name: "mode", About: "upsert: a row that is there is changed; insert: rows are added only", Default: "upsert", Values: []string{"upsert", "insert"}},
		{Name: "key", About: "where a row's primary key comes from: record (the record's key, its fields or the one value), value (fields of the value), kafka (columns kafka_topic, kafka_partition, kafka_offset)",
			Default: "record", Values: []string{"record", "value", "kafka"}},
		{Name: "keyColumns", About: "the columns of the primary key; needed with key: value, and for a record's key that is one value where the table's primary key does not say it", Example: "id"},
		{Name: "deletes", About: "whether a tombstone, and Debezium's op d, delete the row; false passes over them", Default: "true", Values: sink.Flags()},
		{Name: "unknownColumns", About: "fields that the table has no column for: error refuses the record, ignore leaves them out, create adds columns and makes tables that are not there", Default: "error", Values: []string{"error", "ignore", "create"}},
		{Name: "guard", About: "a name under which the table gantry_offsets keeps, in the same transaction, what was written: a record that comes again is passed over, so each has its effect exactly once. " +
			"It goes with one lane a partition", Example: "orders"},
		{Name: "login", About: "reference to a secret with username and password, read anew when the database refuses it", Secret: true, Example: "secret:database"},
		{Name: "password", About: "reference to a secret that is the password; the user is then in the setting user", Secret: true, Example: "env:DB_PASSWORD"},
		{Name: "user", About: "the database's user, where login does not name it", Example: "gantry"},
		{Name: "tls", About: "disable, require (encrypted, the server is not checked), verify-ca, verify-full", Default: "verify-full", Values: []string{"disable", "require", "verify-ca", "verify-full"}},
		{Name: "ca", About: "reference to PEM certificates that are trusted in place of the system's", Secret: true, Example: "file:./rds-ca.pem"},
		{Name: "connections", About: "the most connections", Default: "8", Check: sink.Number(1, 1000)},
		{Name: "statementTimeout", About: "of one statement", Default: "1m", Check: sink.Span(time.Second, 14*time.Minute)},
	}
}

// Valid finds what is wrong between settings.
func Valid(s sink.Settings) []error {
	var errs []error
	if s["key"] == "value" && len(s.List("keyColumns")) == 0 {
		errs = append(errs, errors.New("keyColumns: is missing; with key: value it names the fields that make the primary key"))
	}
	if s["key"] == "kafka" && s["keyColumns"] != "" {
		errs = append(errs, errors.New("keyColumns: goes with key: record or value; key: kafka has its own three columns"))
	}
	if s["login"] != "" && (s["password"] != "" || s["user"] != "") {
		errs = append(errs, errors.New("login: holds user and password; leave user and password out"))
	}
	if strings.ContainsAny(s["guard"], "\x00\n") || len(s["guard"]) > 100 {
		errs = append(errs, errors.New("guard: want a name of at most 100 characters"))
	}
	return errs
}

// OneLane keeps the records of a partition in order where offsets tell which are written.
func OneLane(s sink.Settings) string {
	if s["guard"] == "" {
		return ""
	}
	return "guard keeps one offset a partition: what lies before it is taken as written"
}

// Configure reads the settings into a Config.
func Configure(s sink.Settings) (Config, error) {
	t, err := sink.ParseTemplate(s["table"])
	if err != nil {
		return Config{}, fmt.Errorf("table: %w", err)
	}
	c := Config{
		Table: t, OfTopic: !strings.Contains(strings.ReplaceAll(s["table"], "{{ .topic }}", ""), "{{"), Format: row.Format(s["format"]), Key: s["key"], KeyNames: s.List("keyColumns"), Insert: s["mode"] == "insert",
		Deletes: s.Bool("deletes") && s["key"] != "kafka", Unknown: s["unknownColumns"], Guard: s["guard"],
	}
	if c.Key == "kafka" {
		c.KeyNames = []string{"kafka_topic", "kafka_partition", "kafka_offset"}
	}
	return c, nil
}

// Limit bounds the connections of a pool.
func Limit(db *sql.DB, s sink.Settings) {
	db.SetMaxOpenConns(s.Int("connections"))
	db.SetMaxIdleConns(s.Int("connections"))
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
}

// Repeats is what is told of records that come again.
const Repeats = "With mode upsert a record that comes again sets the row to the same values: the end is the same. With guard each record has its effect exactly once, whatever the mode: " +
	"the offsets are kept in the transaction that writes the rows; to have records written again on purpose, delete their partition's row of gantry_offsets. " +
	"With mode insert and key: kafka a record that is there is left; with mode insert and another key it is a conflict, and refused."

// Mode is what the limits of every relational database have in common.
const Mode = "A batch is one transaction, with one statement for the rows that have the same columns. A batch that is refused is cut in halves to find the records that are at fault."
