package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gantry/sink"
)

// one sends one record.
func (h *service) one(ctx context.Context, r *sink.Record) error {
	fields := sink.Fields(r)
	to, err := h.url.FillWith(escaped(fields))
	if err != nil {
		return err
	}
	body := r.Value
	if h.body != nil && r.Value != nil {
		text, err := h.body.FillWith(fields)
		if err != nil {
			return err
		}
		body = []byte(text)
	}
	method := h.settings["method"]
	if r.Value == nil && h.settings["tombstones"] == "delete" {
		method = http.MethodDelete
	}
	return h.send(ctx, request{method: method, url: to, body: body, fields: fields, token: sink.Token(r)})
}

// envelope is a record in a batch without a body of its own.
type envelope struct {
	Topic     string         `json:"topic"`
	Partition int32          `json:"partition"`
	Offset    int64          `json:"offset"`
	Timestamp int64          `json:"timestamp"`
	Key       any            `json:"key"`
	Value     any            `json:"value"`
	Headers   map[string]any `json:"headers,omitempty"`
}

// many sends the records of one partition as a list.
func (h *service) many(ctx context.Context, records []sink.Record, part []int) error {
	list := make([]json.RawMessage, 0, len(part))
	for _, i := range part {
		fields := sink.Fields(&records[i])
		text, err := h.element(&records[i], fields)
		if err != nil {
			return err
		}
		list = append(list, text)
	}
	body, err := json.Marshal(list)
	if err != nil {
		return &sink.Fault{Cause: sink.Refused, Err: fmt.Errorf("write the batch: %w; the body of a record is no JSON", err)}
	}
	return h.send(ctx, request{method: h.settings["method"], url: h.settings["url"], body: body, fields: sink.Fields(&records[part[0]]), token: sink.BatchToken(records, part)})
}

func (h *service) element(r *sink.Record, fields map[string]any) (json.RawMessage, error) {
	if h.body == nil {
		headers, _ := fields["headers"].(map[string]any)
		return json.Marshal(envelope{r.Topic, r.Partition, r.Offset, r.Time.UnixMilli(), fields["key"], fields["value"], headers})
	}
	text, err := h.body.FillWith(fields)
	if err == nil && !json.Valid([]byte(text)) {
		err = &sink.Fault{Cause: sink.Refused, Err: fmt.Errorf("the body of %s is no JSON, which a batch needs", r.Position())}
	}
	return json.RawMessage(text), err
}

// escaped makes texts fit for a place in a URL.
func escaped(fields map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range fields {
		out[name] = escape(v)
	}
	return out
}

func escape(v any) any {
	switch v := v.(type) {
	case string:
		return url.PathEscape(v)
	case map[string]any:
		return escaped(v)
	}
	return v
}

// request is what is sent once.
type request struct {
	method, url string
	body        []byte
	fields      map[string]any
	token       string
}

func (h *service) send(ctx context.Context, in request) error {
	r, err := http.NewRequestWithContext(ctx, in.method, in.url, bytes.NewReader(in.body))
	if err != nil {
		return &sink.Fault{Cause: sink.Refused, Err: fmt.Errorf("the URL that the record fills can't be read; write it as https://host/{{ .key }}")}
	}
	if err := h.header(ctx, r, in); err != nil {
		return err
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return unanswered(ctx, r, err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // only to be shown
	return h.verdict(r, resp, string(said))
}

func (h *service) header(ctx context.Context, r *http.Request, in request) error {
	r.Header.Set("Content-Type", h.settings["contentType"])
	r.Header.Set("User-Agent", "gantry")
	if name := h.settings["idempotencyHeader"]; name != "" {
		r.Header.Set(name, in.token)
	}
	for name, t := range h.headers {
		value, err := t.FillWith(in.fields)
		if err != nil {
			return err
		}
		r.Header.Set(name, value)
	}
	for name, ref := range h.secrets {
		value, err := h.deps.Secret(ctx, ref)
		if err != nil {
			return &sink.Fault{Cause: sink.Misconfigured, Err: err}
		}
		r.Header.Set(name, strings.TrimSpace(value))
	}
	return nil
}

// unanswered is a request without an answer. One that was refused before it was sent
// certainly did nothing.
func unanswered(ctx context.Context, r *http.Request, err error) error {
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // without the URL, whose query may hold a key
	}
	cause := sink.Failed
	if ctx.Err() == nil && sink.NotSent(err) {
		cause = sink.Busy
	}
	return &sink.Fault{Cause: cause, Err: fmt.Errorf("%s %s: %w; is its server running there?", r.Method, shown(r.URL), err)}
}

// verdict says what an answer means.
func (h *service) verdict(r *http.Request, resp *http.Response, said string) error {
	status := resp.StatusCode
	code := strconv.Itoa(status)
	fault := func(cause sink.Cause, what string) error {
		if said != "" {
			what += "; it said: " + strings.ToValidUTF8(said, "?")
		}
		return &sink.Fault{Cause: cause, Wait: retryAfter(resp.Header.Get("Retry-After")), Err: fmt.Errorf("%s %s: %s: %s", r.Method, shown(r.URL), resp.Status, what)}
	}
	switch {
	case status >= 200 && status <= 299, h.accept[code]:
		return nil
	case h.refuse[code]:
		return fault(sink.Refused, "the service does not take this record")
	case status == 429 || status == 503:
		return fault(sink.Busy, "the service takes nothing now; it is tried again")
	case status == 401 || status == 403:
		for _, ref := range h.secrets {
			h.deps.Forget(ref) // it may have been rotated
		}
		return fault(sink.Misconfigured, "the service does not let us in; check the settings header.*")
	case status >= 300 && status <= 399:
		return fault(sink.Misconfigured, "the service redirects, which is never followed; use the URL it names, if you trust it")
	case status == 404 || status == 405:
		return fault(sink.Misconfigured, "there is nothing at this URL for this method; check url and method, or name the status in accept or refuse")
	}
	return fault(sink.Failed, "the service failed; its own log says why")
}

func retryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err != nil {
		return 0
	}
	return time.Duration(min(max(seconds, 0), 3600)) * time.Second
}
