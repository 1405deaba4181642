package opensearch

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/sink"
	"gantry/sink/row"
)

// meta is the line of an action.
type meta struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version,omitempty"`
	VersionType string `json:"version_type,omitempty"`
}

// action is one record in a bulk request.
type action struct {
	record int
	text   []byte // its lines
	delete bool
}

func refuse(err error) error { return &sink.Fault{Cause: sink.Refused, Err: err} }

// action makes the lines of a record; none for one that changes nothing.
func (o *indices) action(reader *row.Decoder, i int, r *sink.Record) (action, error) {
	a := action{record: i}
	said, err := reader.Decode(r.Key, r.Value)
	if err != nil {
		return a, refuse(err)
	}
	if said.Kind == row.Nothing || said.Kind == row.Delete && !o.settings.Bool("deletes") {
		return a, nil
	}
	m := meta{}
	if m.Index, err = o.index.Fill(r); err != nil {
		return a, err
	}
	if m.ID, err = o.id(r, said); err != nil {
		return a, refuse(err)
	}
	if o.settings["versions"] == "offset" {
		m.Version, m.VersionType = r.Offset+1, "external" // 0 is no version that conflicts
	}
	name := "index"
	if a.delete = said.Kind == row.Delete; a.delete {
		name = "delete"
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(map[string]meta{name: m}); err != nil {
		return a, refuse(err)
	}
	if !a.delete {
		if err := document(&b, said.Fields); err != nil {
			return a, refuse(err)
		}
	}
	a.text = b.Bytes()
	return a, nil
}

const longestID = 512 // bytes, of the service

func (o *indices) id(r *sink.Record, said row.Change) (string, error) {
	from, names := said.Key, o.settings.List("idFields")
	switch o.settings["id"] {
	case "kafka":
		return sink.Token(r), nil
	case "value":
		if from = said.Fields; len(from) == 0 {
			from = said.Key
		}
	}
	if len(from) == 0 {
		return "", errors.New("the record has no key, and the document's id is taken from there (setting id)")
	}
	var parts []string
	for _, f := range from {
		if f.Value.Text == nil {
			return "", fmt.Errorf("%s is null, and of the document's id", f.Name)
		}
		if len(names) == 0 || f.Name == "" {
			parts = append(parts, string(f.Value.Text))
		}
	}
	for _, name := range names {
		at := slices.IndexFunc(from, func(f row.Field) bool { return f.Name == name })
		if at < 0 && from[0].Name != "" {
			return "", fmt.Errorf("the record has no %s, which is of the document's id", name)
		}
		if at >= 0 {
			parts = append(parts, string(from[at].Value.Text))
		}
	}
	id := strings.Join(parts, "-")
	if id == "" || len(id) > longestID {
		return "", fmt.Errorf("its id has %d bytes; the service takes 1 to %d", len(id), longestID)
	}
	return id, nil
}

// document writes the fields as one line.
func document(b *bytes.Buffer, fields []row.Field) error {
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return err
		}
		b.Write(name)
		b.WriteByte(':')
		if err := value(b, f.Value); err != nil {
			return fmt.Errorf("its field %s: %w", f.Name, err)
		}
	}
	b.WriteString("}\n")
	return nil
}

func value(b *bytes.Buffer, v row.Value) error {
	switch {
	case v.Text == nil:
		b.WriteString("null")
	case v.Type == row.Bool, v.Type == row.Number, v.Type == row.Integer, v.Type == row.Decimal:
		b.Write(v.Text)
	case v.Type == row.JSON:
		return json.Compact(b, v.Text)
	case v.Type == row.Bytes:
		b.WriteString(`"` + base64.StdEncoding.EncodeToString(v.Text) + `"`)
	default:
		text := string(v.Text)
		if v.Type == row.Timestamp { // as the service's dates are written
			text = strings.Replace(text, " ", "T", 1)
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return err
		}
		b.Write(quoted)
	}
	return nil
}
