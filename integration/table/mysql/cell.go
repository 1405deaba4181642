package mysql

import (
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
	switch {
	case c.Family == table.JSONLike:
		return document(v, jsonText)
	case v.Type == row.Bool:
		if string(v.Text) == "true" {
			return []byte("1"), nil
		}
		return []byte("0"), nil
	case c.Family == table.DateLike && (v.Type == row.Number || v.Type == row.Integer):
		n, err := strconv.ParseInt(string(v.Text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no count of days since 1970", v.Text)
		}
		return row.Days(n), nil
	case c.Family == table.DateTime, c.Family == table.Zoned:
		return d.moment(c, v)
	case v.Type == row.Bytes && c.Family != table.Binary:
		return nil, fmt.Errorf("it is bytes, and the column is of type %s", c.Type)
	}
	return v.Text, nil
}

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

// moment writes times as MySQL and MariaDB both read them: without T and Z, in UTC.
func (d dialect) moment(c table.Column, v row.Value) ([]byte, error) {
	if v.Type == row.Number || v.Type == row.Integer {
		unit, known := units[d.epoch]
		if !known {
			return nil, fmt.Errorf("%s is a number, and the column is of type %s: say what it counts with the setting epoch", v.Text, c.Type)
		}
		n, err := strconv.ParseInt(string(v.Text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number of %s since 1970", v.Text, d.epoch)
		}
		return row.Moment(n, unit), nil
	}
	if strings.ContainsAny(string(v.Text), "Tt") {
		if at, err := time.Parse(time.RFC3339Nano, string(v.Text)); err == nil {
			return row.Moment(at.UTC().UnixMicro(), time.Microsecond), nil
		}
	}
	return v.Text, nil
}
