package row

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// convert applies what the schema says to a value: Kafka Connect's logical types
// (org.apache.kafka.connect.data) and Debezium's (io.debezium.time, io.debezium.data).
func convert(text []byte, s *schema) (Value, error) {
	v := plain(text)
	if s == nil {
		return v, nil
	}
	if v.Text == nil {
		return Value{Type: s.kind()}, nil
	}
	if read := logical[s.Name]; read != nil {
		return read(v, s)
	}
	switch s.Type {
	case "bytes":
		return bytesOf(v)
	case "int8", "int16", "int32", "int64":
		if v.Type == Number {
			v.Type = Integer
		}
	case "struct", "map", "array":
		v.Type = JSON
	}
	return v, nil
}

// kind is what a schema says of a null.
func (s *schema) kind() Type {
	if t, ok := kinds[s.Name]; ok {
		return t
	}
	return kinds[s.Type]
}

var kinds = map[string]Type{
	"boolean": Bool, "string": String, "bytes": Bytes, "float": Number, "double": Number,
	"int8": Integer, "int16": Integer, "int32": Integer, "int64": Integer,
	"struct": JSON, "map": JSON, "array": JSON,

	"org.apache.kafka.connect.data.Decimal":   Decimal,
	"org.apache.kafka.connect.data.Date":      Date,
	"org.apache.kafka.connect.data.Time":      Time,
	"org.apache.kafka.connect.data.Timestamp": Timestamp,
	"io.debezium.data.VariableScaleDecimal":   Decimal,
	"io.debezium.data.Json":                   JSON,
	"io.debezium.time.Date":                   Date,
	"io.debezium.time.Time":                   Time,
	"io.debezium.time.MicroTime":              Time,
	"io.debezium.time.NanoTime":               Time,
	"io.debezium.time.Timestamp":              Timestamp,
	"io.debezium.time.MicroTimestamp":         Timestamp,
	"io.debezium.time.NanoTimestamp":          Timestamp,
	"io.debezium.time.ZonedTimestamp":         Instant,
	"io.debezium.time.MicroDuration":          Interval,
	"io.debezium.time.Interval":               Interval,
}

var logical = map[string]func(Value, *schema) (Value, error){
	"org.apache.kafka.connect.data.Decimal":   decimal,
	"org.apache.kafka.connect.data.Date":      days,
	"org.apache.kafka.connect.data.Time":      clock(time.Millisecond),
	"org.apache.kafka.connect.data.Timestamp": stamp(time.Millisecond),
	"io.debezium.data.VariableScaleDecimal":   variable,
	"io.debezium.data.Json":                   as(JSON),
	"io.debezium.time.Date":                   days,
	"io.debezium.time.Time":                   clock(time.Millisecond),
	"io.debezium.time.MicroTime":              clock(time.Microsecond),
	"io.debezium.time.NanoTime":               clock(time.Nanosecond),
	"io.debezium.time.Timestamp":              stamp(time.Millisecond),
	"io.debezium.time.MicroTimestamp":         stamp(time.Microsecond),
	"io.debezium.time.NanoTimestamp":          stamp(time.Nanosecond),
	"io.debezium.time.ZonedTimestamp":         as(Instant),
	"io.debezium.time.Interval":               as(Interval),
	"io.debezium.time.MicroDuration":          duration,
}

func as(t Type) func(Value, *schema) (Value, error) {
	return func(v Value, _ *schema) (Value, error) { return Value{t, v.Text}, nil }
}

func bytesOf(v Value) (Value, error) {
	if v.Type != String {
		return v, fmt.Errorf("is no base64 text, as its schema says it is")
	}
	content, err := base64.StdEncoding.AppendDecode(make([]byte, 0, len(v.Text)), v.Text)
	if err != nil {
		return v, fmt.Errorf("is no base64 text, as its schema says it is: %w", err)
	}
	return Value{Bytes, content}, nil
}

func decimal(v Value, s *schema) (Value, error) {
	if v.Type == Number { // decimal.format=NUMERIC of the JSON converter
		return Value{Decimal, v.Text}, nil
	}
	v, err := bytesOf(v)
	if err != nil {
		return v, err
	}
	return Value{Decimal, scaled(v.Text, s.scale)}, nil
}

// scaled writes an integer in two's complement, big endian, divided by 10^scale.
func scaled(content []byte, scale int) []byte {
	n := new(big.Int).SetBytes(content)
	if len(content) > 0 && content[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(content))*8))
	}
	digits := n.Text(10)
	switch {
	case scale == 0:
		return []byte(digits)
	case scale < 0:
		return []byte(digits + strings.Repeat("0", -scale))
	}
	digits, negative := strings.CutPrefix(digits, "-")
	if lack := scale + 1 - len(digits); lack > 0 {
		digits = strings.Repeat("0", lack) + digits
	}
	digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	if negative {
		digits = "-" + digits
	}
	return []byte(digits)
}

func variable(v Value, _ *schema) (Value, error) {
	var d struct {
		Scale int
		Value []byte
	}
	if err := json.Unmarshal(v.Text, &d); err != nil || d.Scale < -1000 || d.Scale > 1000 {
		return v, fmt.Errorf("is no decimal with its scale, as its schema says it is")
	}
	return Value{Decimal, scaled(d.Value, d.Scale)}, nil
}

func whole(v Value) (int64, error) {
	n, err := strconv.ParseInt(string(v.Text), 10, 64)
	if err != nil || v.Type != Number {
		return 0, fmt.Errorf("is no whole number, as its schema says it is")
	}
	return n, nil
}

func days(v Value, _ *schema) (Value, error) {
	n, err := whole(v)
	if err != nil {
		return v, err
	}
	return Value{Date, Days(n)}, nil
}

// Days writes a day that is counted from 1970-01-01.
func Days(n int64) []byte {
	return time.Unix(n*86400, 0).UTC().AppendFormat(nil, "2006-01-02")
}

// Moment writes a moment that is counted from 1970, without a zone: it is that of UTC.
func Moment(n int64, unit time.Duration) []byte {
	per := int64(time.Second / unit)
	seconds, rest := n/per, n%per
	return time.Unix(seconds, rest*int64(unit)).UTC().AppendFormat(nil, "2006-01-02 15:04:05.999999999")
}

func stamp(unit time.Duration) func(Value, *schema) (Value, error) {
	return func(v Value, _ *schema) (Value, error) {
		n, err := whole(v)
		if err != nil {
			return v, err
		}
		return Value{Timestamp, Moment(n, unit)}, nil
	}
}

func clock(unit time.Duration) func(Value, *schema) (Value, error) {
	return func(v Value, _ *schema) (Value, error) {
		n, err := whole(v)
		if err != nil {
			return v, err
		}
		per := int64(time.Second / unit)
		return Value{Time, time.Unix(n/per, n%per*int64(unit)).UTC().AppendFormat(nil, "15:04:05.999999999")}, nil
	}
}

func duration(v Value, _ *schema) (Value, error) {
	n, err := whole(v)
	if err != nil {
		return v, err
	}
	return Value{Interval, strconv.AppendInt(nil, n, 10)}, nil
}
