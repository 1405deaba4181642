package row

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// schema is Kafka Connect's description of a value, as its JSON converter writes it
// (org.apache.kafka.connect.json.JsonSchema).
type schema struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Member     string            `json:"field"`
	Parameters map[string]string `json:"parameters"`
	Fields     []*schema         `json:"fields"`

	scale int // of a decimal
}

const mostSchemas = 100

// schema reads a schema, once for each text.
func (d *Decoder) schema(text []byte) (*schema, error) {
	if text[0] == 'n' {
		return nil, nil //nolint:nilnil // a document may say that it has none
	}
	if s, ok := d.schemas[string(text)]; ok {
		return s, nil
	}
	s := new(schema)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("has a schema that can't be read: %w", err)
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if d.schemas == nil || len(d.schemas) >= mostSchemas {
		d.schemas = map[string]*schema{}
	}
	d.schemas[string(text)] = s
	return s, nil
}

func (s *schema) prepare() (err error) {
	if s == nil {
		return fmt.Errorf("has a schema with a field that is null")
	}
	if text, ok := s.Parameters["scale"]; ok && s.Name == "org.apache.kafka.connect.data.Decimal" {
		if s.scale, err = strconv.Atoi(text); err != nil || s.scale < -1000 || s.scale > 1000 {
			return fmt.Errorf("has a schema with the scale %q", text)
		}
	}
	for _, f := range s.Fields {
		if err := f.prepare(); err != nil {
			return err
		}
	}
	return nil
}

// member gives the schema of a member, nil where nothing is known.
func (s *schema) member(name string) *schema {
	at := 0
	return s.field(&at, name)
}

// field is member for names that come in the order of the schema: at is where to look first.
func (s *schema) field(at *int, name string) *schema {
	if s == nil {
		return nil
	}
	if *at < len(s.Fields) && s.Fields[*at].Member == name {
		*at++
		return s.Fields[*at-1]
	}
	for i, f := range s.Fields {
		if f.Member == name {
			*at = i + 1
			return f
		}
	}
	return nil
}
