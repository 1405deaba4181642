// Package http is the integration that sends records to an HTTP service: one request for
// each record, or one for the records of each partition in a batch.
//
// The flow: the URL, headers and body are filled from the record, a header that names the
// record makes a repeat known to the service, and the answer's status says what became of
// it. Requests of one partition follow each other; partitions go side by side.
//
// Invariants: a redirect is never followed; a secret is in no error and no log.
package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gantry/sink"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "http", Title: "HTTP service",
		About:    "Sends each record, or the records of each partition in a batch, to a URL.",
		Settings: settings(),
		Limits:   "None of its own: the body has up to 6 MB where a batch is one request. A service that answers 413 to one record refuses it; to a batch, the batch is halved.",
		Repeats: "The header Idempotency-Key (setting idempotencyHeader) is the record's topic-partition-offset, and in a batch topic-partition-first-last, with a digest behind it where not all between the two are meant: " +
			"a service that keeps these keys takes each record once. One that does not gets a record again that it may have taken.",
		Example: example,
		Valid:   valid,
		New:     open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
secrets: [{ prefix: "secret:", from: { dir: ./secrets } }]
functions:
  orders-to-api:
    integration: http
    settings:
      url: "https://api.example.com/orders/{{ .key }}"
      method: PUT
      header.Authorization: secret:api-token     # the whole header: Bearer …
      body: '{"order": {{ json .value }}, "at": {{ .timestamp }}}'
    timeout: 30s
mappings:
  orders-to-api: { function: orders-to-api, cluster: onprem, topic: orders, startingPosition: TRIM_HORIZON, maximumRetryAttempts: 5, onFailure: "kafka://orders.dead" }
`

func settings() []sink.Setting {
	return []sink.Setting{
		{Name: "url", Required: true, About: "where to; a template", Example: "https://api.example.com/orders/{{ .key }}", Check: checkURL},
		{Name: "method", About: "of the requests", Default: "POST", Values: []string{"POST", "PUT", "PATCH", "DELETE"}},
		{Name: "mode", About: "record: one request a record; batch: one for the records of each partition, a JSON list of bodies", Default: "record", Values: []string{"record", "batch"}},
		{Name: "body", About: "what is sent, a template; left out, the record's value as it is (in a batch: key, value, headers, topic, partition, offset, timestamp)",
			Example: `{"order": {{ json .value }}}`, Check: sink.CheckTemplate},
		{Name: "contentType", About: "the header Content-Type", Default: "application/json"},
		{Name: "header.*", About: "a header; a template, or a reference to a secret (the whole header)", Example: "header.Authorization: secret:api-token", Check: sink.CheckTemplate},
		{Name: "idempotencyHeader", About: "the header that names the record; empty leaves it out", Default: "Idempotency-Key"},
		{Name: "tombstones", About: "records without a value: send (an empty body), delete (the method DELETE), skip", Default: "send", Values: []string{"send", "delete", "skip"}},
		{Name: "timeout", About: "of one request", Default: "10s", Check: sink.Span(100*time.Millisecond, 14*time.Minute)},
		{Name: "parallel", About: "partitions that are sent side by side", Default: "8", Check: sink.Number(1, 256)},
		{Name: "onError", About: "what follows a record that failed: stop (its partition waits, order is kept) or continue", Default: "stop", Values: []string{"stop", "continue"}},
		{Name: "accept", About: "statuses beside 200 to 299 that count as done", Example: "404,409", Check: statuses},
		{Name: "refuse", About: "statuses by which the service says that it will never take this record", Default: "400,413,415,422", Check: statuses},
		{Name: "ca", About: "reference to PEM certificates that are trusted, and no others", Secret: true, Example: "file:./ca.pem"},
	}
}

// checkURL checks a URL that may have places; the host may be one.
func checkURL(text string) error {
	if err := sink.CheckTemplate(text); err != nil {
		return err
	}
	if strings.Contains(text, "{{") {
		if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
			return errors.New("want a URL such as https://host:port/path")
		}
		return nil
	}
	return sink.HTTPURL(text)
}

func statuses(list string) error {
	for _, one := range (sink.Settings{"": list}).List("") {
		if err := sink.Number(200, 599)(one); err != nil {
			return fmt.Errorf("a status: %w", err)
		}
	}
	return nil
}

func valid(s sink.Settings) []error {
	var errs []error
	if s["mode"] == "batch" {
		if strings.Contains(s["url"], "{{") {
			errs = append(errs, errors.New("url: one request carries many records, so it can have no places; leave mode out"))
		}
		if s["tombstones"] == "delete" {
			errs = append(errs, errors.New("tombstones: delete goes with one request a record; leave mode out"))
		}
	}
	return errs
}

// service is the Sink.
type service struct {
	deps     sink.Deps
	settings sink.Settings
	client   *http.Client
	url      *sink.Template
	body     *sink.Template // nil = the value as it is
	headers  map[string]*sink.Template
	secrets  map[string]string // header → reference
	accept   map[string]bool
	refuse   map[string]bool
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	h := &service{
		deps: d.WithDefaults(), settings: s, headers: map[string]*sink.Template{}, secrets: map[string]string{},
		accept: set(s.List("accept")), refuse: set(s.List("refuse")),
	}
	var err error
	if h.url, err = sink.ParseTemplate(s["url"]); err != nil {
		return nil, err
	}
	if s["body"] != "" {
		if h.body, err = sink.ParseTemplate(s["body"]); err != nil {
			return nil, err
		}
	}
	for name, value := range s.Family("header.") {
		if sink.IsReference(value) {
			h.secrets[name] = value
		} else if h.headers[name], err = sink.ParseTemplate(value); err != nil {
			return nil, err
		}
	}
	h.client = h.newClient()
	return h, nil
}

func set(list []string) map[string]bool {
	m := map[string]bool{}
	for _, one := range list {
		m[one] = true
	}
	return m
}

func (h *service) newClient() *http.Client {
	t := &http.Transport{
		DialContext: h.deps.Dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: 4 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
	if ref := h.settings["ca"]; ref != "" {
		t.DialTLSContext = nil
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: h.verify(ref), InsecureSkipVerify: true} //nolint:gosec // VerifyConnection verifies, with a CA that may be rotated
	}
	return &http.Client{
		Transport: t, Timeout: h.settings.Duration("timeout"),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// verify holds a server's certificate against a CA that is a secret, as it is now.
func (h *service) verify(ref string) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error {
		pem, err := h.deps.Secret(context.Background(), ref)
		if err != nil {
			return err
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return fmt.Errorf("%s holds no PEM certificate", ref)
		}
		for _, one := range c.PeerCertificates[1:] {
			between.AddCert(one)
		}
		_, err = c.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: c.ServerName, Roots: roots, Intermediates: between})
		return err
	}
}

// Close implements sink.Sink.
func (h *service) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// shown is a URL without its query, which may hold a key.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
