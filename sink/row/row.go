// Package row reads what a record of Kafka says of one row or document: plain JSON,
// Debezium's envelope, and JSON as Kafka Connect writes it, with its schema or without.
//
// The flow: Decoder.Decode takes a record's key and value and gives a Change, whose fields
// are spans of the record's own bytes wherever the form allows it. What a schema says of a
// field (a decimal in base64, days since 1970) has been applied: Text is what a database
// reads. What no schema says is left as JSON wrote it, for the column to decide.
//
// What always holds: a Change is all of what the record said or there is an error that says
// what could not be read; order of fields is the record's.
package row

import "fmt"

// Type is what is known of a value before its column is seen.
type Type uint8

// The types. Those from Date on come from a schema only.
const (
	Unknown   Type = iota // null, and no schema says of what
	Bool                  // true or false
	Number                // as JSON writes numbers
	String                // text
	JSON                  // an object or an array, as it was written
	Bytes                 // content of any kind
	Integer               // a number without a fraction, by its schema
	Decimal               // a number in decimal digits, by its schema
	Date                  // 2006-01-02
	Time                  // 15:04:05.999999
	Timestamp             // 2006-01-02 15:04:05.999999, of no zone
	Instant               // 2006-01-02T15:04:05.999999Z, of a zone
	Interval              // as ISO 8601 or Debezium write durations
)

// Value is one value. Text is nil for null only.
type Value struct {
	Type Type
	Text []byte
}

// Field is a named value.
type Field struct {
	Name  string
	Value Value
}

// Change is what a record says of a row.
type Change struct {
	Kind   Kind
	Key    []Field // of the record's key; one without a name where the key is no object
	Fields []Field // of the row as it is now; for a delete, as it was, if the record says so
	// JSONText says that strings of JSON columns hold JSON documents, as Debezium writes them.
	JSONText bool
}

// Kind is what a record does to its row.
type Kind uint8

// The kinds of change.
const (
	Upsert Kind = iota
	Delete
	Nothing // a message of the log or such, about no row
)

// Format is the form values are read in.
type Format string

// The formats. Auto tells the others apart by their members.
const (
	Auto     Format = "auto"
	Plain    Format = "json"
	Debezium Format = "debezium"
)

// Decoder reads changes. It remembers names and schemas, so one is used for many records,
// by one goroutine at a time.
type Decoder struct {
	Format Format // "" = Auto

	names       map[string]string
	schemas     map[string]*schema
	key, value  memory
	keys, after []Field
}

// memory is the schema that was read last: the next record most likely has the same.
type memory struct {
	text []byte
	read *schema
}

// unavailable stands in Debezium's events for a large value that did not change and that
// the log of the database does not repeat.
const unavailable = "__debezium_unavailable_value"

// Decode reads a record. Both slices are nil where the record has none. The change points
// into them and into the decoder, until its next call.
func (d *Decoder) Decode(key, value []byte) (Change, error) {
	var c Change
	var err error
	if key != nil {
		if d.keys, err = d.readKey(d.keys[:0], key); err != nil {
			return c, fmt.Errorf("its key %w", err)
		}
		c.Key = d.keys
	}
	if value == nil {
		c.Kind = Delete
		return c, nil
	}
	if err := d.readValue(&c, value); err != nil {
		return c, fmt.Errorf("its value %w", err)
	}
	return c, nil
}

func (d *Decoder) readValue(c *Change, value []byte) error {
	m, err := d.open(&d.value, value)
	if err != nil {
		return err
	}
	if m.text == nil { // a tombstone with a schema around it
		c.Kind = Delete
		return nil
	}
	if d.Format != Plain {
		if e, is := readEnvelope(m); is {
			return d.debezium(c, m, e)
		}
		if d.Format == Debezium {
			return fmt.Errorf("is not Debezium's envelope: it has no op with before or after")
		}
	}
	d.after, err = d.fields(d.after[:0], m.text, m.schema)
	c.Fields = d.after
	return err
}

func (d *Decoder) debezium(c *Change, m document, e envelope) (err error) {
	c.JSONText = true
	state, named := e.after, "after"
	switch e.op {
	case "c", "u", "r":
	case "d":
		c.Kind, state, named = Delete, e.before, "before"
	case "m":
		c.Kind = Nothing
		return nil
	case "t":
		return fmt.Errorf("says that its table was emptied (op t): gantry does not empty tables; empty it yourself and skip the record")
	default:
		return fmt.Errorf("has op %q: c, u, r, d, t or m is known", e.op)
	}
	if state == nil {
		if c.Kind == Delete {
			return nil
		}
		return fmt.Errorf("has op %s and no after", e.op)
	}
	if d.after, err = d.fields(d.after[:0], state, m.schema.member(named)); err != nil {
		return fmt.Errorf("has in %s what %w", named, err)
	}
	c.Fields = known(d.after)
	return nil
}

// known drops the values that the source did not repeat: those columns stay as they are.
func known(fields []Field) []Field {
	kept := fields[:0]
	for _, f := range fields {
		if string(f.Value.Text) != unavailable {
			kept = append(kept, f)
		}
	}
	return kept
}
