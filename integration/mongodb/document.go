package mongodb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"gantry/sink"
	"gantry/sink/row"
)

// change is what records of one _id come to.
type change struct {
	collection string
	id         any
	records    []int
	fields     bson.D // without _id
	delete     bool
	whole      bool // the document becomes the fields
}

func refuse(err error) error { return &sink.Fault{Cause: sink.Refused, Err: err} }

// read gives the change of one record, nil for one that changes nothing.
func (c *collections) read(reader *row.Decoder, i int, r *sink.Record) (*change, error) {
	said, err := reader.Decode(r.Key, r.Value)
	if err != nil {
		return nil, refuse(err)
	}
	if said.Kind == row.Nothing || said.Kind == row.Delete && !c.settings.Bool("deletes") {
		return nil, nil //nolint:nilnil // it is passed over
	}
	name, err := c.name.Fill(r)
	if err != nil {
		return nil, err
	}
	out := &change{collection: name, records: []int{i}, delete: said.Kind == row.Delete, whole: c.settings["mode"] == "replace"}
	if out.id, err = c.id(r, said); err != nil {
		return nil, refuse(err)
	}
	if out.delete {
		return out, nil
	}
	for _, f := range said.Fields {
		v, err := value(f.Value)
		if err != nil {
			return nil, refuse(fmt.Errorf("its field %s: %w", f.Name, err))
		}
		if f.Name != "_id" {
			out.fields = append(out.fields, bson.E{Key: f.Name, Value: v})
		}
	}
	return out, nil
}

func (c *collections) id(r *sink.Record, said row.Change) (any, error) {
	from, names := said.Key, c.settings.List("keyFields")
	switch c.settings["key"] {
	case "kafka":
		return sink.Token(r), nil
	case "value":
		if from = said.Fields; len(from) == 0 {
			from = said.Key
		}
	}
	if len(from) == 0 {
		return nil, errors.New("the record has no key, and _id is taken from there (setting key)")
	}
	if len(names) > 0 && from[0].Name != "" {
		var picked []row.Field
		for _, name := range names {
			at := slices.IndexFunc(from, func(f row.Field) bool { return f.Name == name })
			if at < 0 {
				return nil, fmt.Errorf("the record has no %s, which is of _id", name)
			}
			picked = append(picked, from[at])
		}
		from = picked
	}
	if len(from) == 1 {
		v, err := value(from[0].Value)
		if v == nil && err == nil {
			err = errors.New("its _id would be null")
		}
		return v, err
	}
	id := bson.D{}
	for _, f := range from {
		v, err := value(f.Value)
		if err != nil {
			return nil, err
		}
		id = append(id, bson.E{Key: f.Name, Value: v})
	}
	return id, nil
}

// value gives what MongoDB holds for a value.
func value(v row.Value) (any, error) {
	text := string(v.Text)
	switch {
	case v.Text == nil:
		return nil, nil //nolint:nilnil // it is null
	case v.Type == row.String, v.Type == row.Time, v.Type == row.Interval:
		return text, nil
	case v.Type == row.Bytes:
		return bson.Binary{Data: v.Text}, nil
	case v.Type == row.Decimal:
		return bson.ParseDecimal128(text)
	case v.Type == row.Date:
		return moment(time.DateOnly, text)
	case v.Type == row.Timestamp:
		return moment("2006-01-02 15:04:05.999999999", text)
	case v.Type == row.Instant:
		return moment(time.RFC3339Nano, text)
	}
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+text+`}`), false, &d); err != nil || len(d) != 1 {
		return nil, fmt.Errorf("can't be read as Extended JSON: %w", err)
	}
	if n, ok := d[0].Value.(int32); ok { // one type for whole numbers, however large the next is
		return int64(n), nil
	}
	return d[0].Value, nil
}

func moment(layout, text string) (any, error) {
	at, err := time.Parse(layout, text)
	if err != nil {
		return nil, fmt.Errorf("%q is no time", text)
	}
	return bson.NewDateTimeFromTime(at), nil
}

// merge makes one change of two for one _id.
func (c *change) merge(then *change) {
	records := append(c.records, then.records...)
	switch {
	case then.delete || then.whole:
		*c = *then
	case c.delete:
		*c = *then
		c.whole = true
	default:
		for _, f := range then.fields {
			if at := slices.IndexFunc(c.fields, func(e bson.E) bool { return e.Key == f.Key }); at >= 0 {
				c.fields[at] = f
			} else {
				c.fields = append(c.fields, f)
			}
		}
	}
	c.records = records
}

// identity is a change's document, as text.
func (c *change) identity() (string, error) {
	text, err := bson.MarshalExtJSON(bson.D{{Key: "id", Value: c.id}}, true, false)
	if err != nil {
		return "", refuse(fmt.Errorf("its _id: %w", err))
	}
	return strings.Join([]string{c.collection, string(text)}, "\x00"), nil
}
