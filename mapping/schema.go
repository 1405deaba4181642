package mapping

import "fmt"

// The formats of a schema registry, as configurations name them.
const (
	Avro     = "avro"
	JSON     = "json"
	Protobuf = "protobuf"
)

// OutputSchema says which schemas the values and keys of output records are written by;
// nil = as they are.
type OutputSchema struct {
	Value *Schema `json:",omitempty"`
	Key   *Schema `json:",omitempty"`
}

// Schema is one schema of the registry of a mapping's cluster.
//
// What it is: the newest version of Subject, unless Version or File says otherwise. A
// File must be registered under Subject already; with Register gantry registers it.
type Schema struct {
	Format   string // Avro, JSON or Protobuf
	Subject  string `json:",omitempty"` // "" = TOPIC-value or TOPIC-key
	Version  int    `json:",omitempty"` // 0 = the newest
	File     string `json:",omitempty"` // absolute path of the schema's text; "" = as the registry has it
	Register bool   `json:",omitempty"` // register File where the registry does not have it
	Message  string `json:",omitempty"` // Protobuf: full name of the message; "" = the schema's first
}

// Faults says what is wrong with a schema as it is declared.
func (s Schema) Faults() []string {
	var faults []string
	if s.Format != Avro && s.Format != JSON && s.Format != Protobuf {
		faults = append(faults, "format is missing: avro, json or protobuf")
	}
	if s.Register && s.File == "" {
		faults = append(faults, "register needs the file of the schema that is to be registered")
	}
	if s.File != "" && s.Version != 0 {
		faults = append(faults, "file and version contradict each other; keep one")
	}
	if s.Message != "" && s.Format != Protobuf {
		faults = append(faults, "message is for protobuf")
	}
	return faults
}

// schemaFaults are the faults of an output's schemas beside its topics.
func (o *Output) schemaFaults() []error {
	if o.Schema == nil {
		return nil
	}
	var errs []error
	topics := len(o.Topics)
	if o.Topic != "" {
		topics++
	}
	for _, part := range []struct {
		name   string
		schema *Schema
	}{{"value", o.Schema.Value}, {"key", o.Schema.Key}} {
		if part.schema == nil {
			continue
		}
		for _, fault := range part.schema.Faults() {
			errs = append(errs, fmt.Errorf("schema.%s: %s", part.name, fault))
		}
		if topics > 1 && (part.schema.Subject != "" || part.schema.File != "") {
			errs = append(errs, fmt.Errorf("schema.%s: subject and file are for one topic, and there are %d; without them each topic has the subject TOPIC-%[1]s", part.name, topics))
		}
	}
	return errs
}
