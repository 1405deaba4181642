package postgresql

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gantry/integration/table"
	"gantry/sink/row"
)

// Cell implements table.Dialect: the text that the column's type reads.
func (d dialect) Cell(c table.Column, v row.Value, jsonText bool) ([]byte, error) {
	if v.Text == nil {
		return nil, nil
	}
	switch c.Family {
	case table.JSONLike:
		return document(v, jsonText)
	case table.List:
		if v.Type == row.JSON {
			return list(v.Text)
		}
	case table.DateLike:
		if v.Type == row.Number || v.Type == row.Integer {
			n, err := strconv.ParseInt(string(v.Text), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s is no count of days since 1970", v.Text)
			}
			return row.Days(n), nil
		}
	case table.DateTime, table.Zoned:
		return d.moment(c, v)
	}
	if v.Type == row.Bytes {
		return content(c, v.Text)
	}
	return v.Text, nil
}

func content(c table.Column, b []byte) ([]byte, error) {
	if c.Family != table.Binary {
		return nil, fmt.Errorf("it is bytes, and the column is of type %s", c.Type)
	}
	return hex.AppendEncode([]byte(`\x`), b), nil
}

// document is a value of a column of JSON. Debezium sends the column's text as a string.
func document(v row.Value, jsonText bool) ([]byte, error) {
	switch v.Type {
	case row.JSON, row.Number, row.Integer, row.Decimal, row.Bool:
		return v.Text, nil
	case row.String:
		if jsonText {
			return v.Text, nil
		}
		return json.Marshal(string(v.Text))
	}
	return nil, errors.New("it is no JSON")
}

var units = map[string]time.Duration{"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond}

func (d dialect) moment(c table.Column, v row.Value) ([]byte, error) {
	if v.Type == row.Timestamp && c.Family == table.Zoned {
		return append(v.Text, "+00"...), nil
	}
	if v.Type != row.Number && v.Type != row.Integer {
		return v.Text, nil
	}
	unit, known := units[d.epoch]
	if !known {
		return nil, fmt.Errorf("%s is a number, and the column is of type %s: say what it counts with the setting epoch", v.Text, c.Type)
	}
	n, err := strconv.ParseInt(string(v.Text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is no whole number of %s since 1970", v.Text, d.epoch)
	}
	text := row.Moment(n, unit)
	if c.Family == table.Zoned {
		text = append(text, "+00"...)
	}
	return text, nil
}

// list writes a JSON list as PostgreSQL reads arrays.
func list(text []byte) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, errors.New("the column is an array, and the value is no list")
	}
	parts := make([]string, len(items))
	for i, one := range items {
		switch one[0] {
		case 'n':
			parts[i] = "NULL"
		case '[':
			inner, err := list(one)
			if err != nil {
				return nil, err
			}
			parts[i] = string(inner)
		case '"':
			var s string
			if err := json.Unmarshal(one, &s); err != nil {
				return nil, err
			}
			parts[i] = quoted(s)
		case '{':
			parts[i] = quoted(string(one))
		default:
			parts[i] = string(one)
		}
	}
	return []byte("{" + strings.Join(parts, ",") + "}"), nil
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoted(s string) string { return `"` + escapes.Replace(s) + `"` }
