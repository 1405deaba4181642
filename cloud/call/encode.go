package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// encode writes an input that passed Check in the service's protocol.
func (op *Operation) encode(input map[string]any) (message, error) {
	m := message{method: op.HTTP.Method, path: "/", query: url.Values{}, header: http.Header{}}
	if m.method == "" {
		m.method = http.MethodPost
	}
	var err error
	switch op.model.Metadata.Protocol {
	case protocolQuery:
		m.header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		form := url.Values{"Action": {op.Name}, "Version": {op.model.Metadata.APIVersion}}
		if op.Input != nil {
			err = formStructure(form, "", op.Input.of, input)
		}
		m.body = []byte(form.Encode())
	case protocolREST:
		err = op.rest(&m, input)
	default:
		m.header.Set("Content-Type", "application/x-amz-json-"+op.model.Metadata.JSONVersion)
		m.header.Set("X-Amz-Target", op.model.Metadata.TargetPrefix+"."+op.Name)
		m.body = []byte("{}")
		if op.Input != nil {
			m.body, err = jsonBody(op.Input, input)
		}
	}
	return m, err
}

// hostPrefix is what an operation puts before the host name.
func (op *Operation) hostPrefix(input map[string]any) string {
	prefix := op.Endpoint.HostPrefix
	if prefix == "" || op.Input == nil {
		return prefix
	}
	for name, ref := range op.Input.of.Members {
		if text, ok := input[name].(string); ok && ref.HostLabel {
			prefix = strings.ReplaceAll(prefix, "{"+name+"}", text)
		}
	}
	return prefix
}

func jsonBody(ref *member, v any) ([]byte, error) {
	wire, err := jsonValue(ref, v)
	if err != nil {
		return nil, err
	}
	return marshal(wire)
}

// jsonValue gives a value as JSON has it on the wire.
func jsonValue(ref *member, v any) (any, error) {
	s := ref.of
	if text, isText := v.(string); ref.JSONValue && !isText { // a text that holds JSON
		b, err := marshal(v)
		return string(b), err
	} else if isText && s.Type == "string" {
		return text, nil
	}
	if s.Document {
		return v, nil
	}
	switch s.Type {
	case "structure":
		out := map[string]any{}
		for name, value := range v.(map[string]any) {
			if value == nil {
				continue
			}
			wire, err := jsonValue(s.Members[name], value)
			if err != nil {
				return nil, err
			}
			out[s.Members[name].name(name)] = wire
		}
		return out, nil
	case "list":
		out := []any{}
		for _, value := range v.([]any) {
			wire, err := jsonValue(s.Member, value)
			if err != nil {
				return nil, err
			}
			out = append(out, wire)
		}
		return out, nil
	case "map":
		out := map[string]any{}
		for name, value := range v.(map[string]any) {
			wire, err := jsonValue(s.Value, value)
			if err != nil {
				return nil, err
			}
			out[name] = wire
		}
		return out, nil
	case "blob":
		b, err := blob(v)
		return base64.StdEncoding.EncodeToString(b), err
	case "timestamp":
		return jsonTime(ref, v)
	default:
		return v, nil
	}
}

func jsonTime(ref *member, v any) (any, error) {
	text, err := timeText(ref, v, "unixTimestamp")
	if err != nil || strings.EqualFold(format(ref, "unixTimestamp"), "unixTimestamp") {
		return json.Number(text), err
	}
	return text, nil
}

// format is the way a timestamp is written: the member's, the shape's, or the one of its
// place.
func format(ref *member, otherwise string) string {
	switch {
	case ref.TimestampFormat != "":
		return ref.TimestampFormat
	case ref.of.TimestampFormat != "":
		return ref.of.TimestampFormat
	default:
		return otherwise
	}
}

func timeText(ref *member, v any, otherwise string) (string, error) {
	at, err := moment(v)
	if err != nil {
		return "", err
	}
	at = at.UTC().Truncate(time.Microsecond)
	switch strings.ToLower(format(ref, otherwise)) {
	case "rfc822":
		return at.Format(http.TimeFormat), nil
	case "unixtimestamp":
		if at.Nanosecond() == 0 {
			return strconv.FormatInt(at.Unix(), 10), nil
		}
		return strconv.FormatFloat(float64(at.UnixMicro())/1e6, 'f', -1, 64), nil
	default:
		if at.Nanosecond() == 0 {
			return at.Format("2006-01-02T15:04:05Z"), nil
		}
		return at.Format("2006-01-02T15:04:05.000000Z"), nil
	}
}

// marshal writes JSON without escaping what only HTML needs escaped.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeBase64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("is no base64")
	}
	return b, nil
}
