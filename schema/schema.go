// Package schema is gantry's way to schema registries: values that are written to a topic
// get the form that the topic's schema asks for, in Confluent's wire format, so that every
// consumer that knows the registry reads them.
//
// The flow: a mapping's output names a schema (mapping.Schema), a Registry gives an Encoder
// for it, and the Encoder turns each JSON value of a function's answer into bytes: one
// magic byte (0), the schema's id (4 bytes, big endian), for Protobuf the index of the
// message, then the value as Avro, JSON or Protobuf. What the registry says of an id never
// changes and is kept; which version is the newest is asked again now and then.
//
// What always holds: a value that does not fit its schema is a *Misfit, which says where,
// and is the function's fault. Every other error is none of the function's: the registry
// can't be reached, does not let gantry in, or does not have the schema. Nothing is
// registered unless the configuration asks for it. Passwords are in no error.
package schema

import "fmt"

// Misfit is a value that does not fit its schema: the fault of who made it. Asking again
// does not help.
type Misfit struct {
	Subject string
	Version int
	Field   string // where in the value, as a path such as items[3].price; "" = the whole
	Reason  string
}

func (m *Misfit) Error() string {
	at := ""
	if m.Field != "" {
		at = " at " + m.Field
	}
	return fmt.Sprintf("the value does not fit schema %s version %d%s: %s", m.Subject, m.Version, at, m.Reason)
}
