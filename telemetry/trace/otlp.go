package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// sender is OTLP over HTTP with protobuf bodies (OTLP specification 1.x). It implements
// otlptrace.Client: the library's own client brings all of gRPC with it. What can't be sent
// is said once and lost: traces hold up nothing.
type sender struct {
	set     *settings
	header  http.Header
	http    *http.Client
	log     *slog.Logger
	failing atomic.Bool
}

func newSender(set *settings, cfg Config) (*sender, error) {
	s := &sender{set: set, log: cfg.Log, header: http.Header{"Content-Type": {"application/x-protobuf"}, "User-Agent": {"gantry/" + cfg.Version}}}
	for name, value := range set.headers {
		s.header.Set(name, value)
	}
	if set.gzip {
		s.header.Set("Content-Encoding", "gzip")
	}
	transport := cfg.Transport
	if transport == nil {
		base := http.DefaultTransport.(*http.Transport).Clone()
		var err error
		if base.TLSClientConfig, err = set.tls(); err != nil {
			return nil, err
		}
		transport = base
	}
	s.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

// tls is nil where the system's certificates do.
func (s *settings) tls() (*tls.Config, error) {
	if s.ca == "" && s.cert == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate in PEM form", s.ca)
		}
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Start implements otlptrace.Client; connections are made when they are needed.
func (s *sender) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (s *sender) Stop(context.Context) error {
	s.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. TracesData has the same bytes as the service's
// request.
func (s *sender) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if s.set.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body)
		_ = w.Close() // a bytes.Buffer takes everything
		body = packed.Bytes()
	}
	s.tell(s.send(ctx, body))
	return nil
}

// tell says the first failure and the first success after it.
func (s *sender) tell(err error) {
	switch {
	case err != nil && !s.failing.Swap(true):
		s.log.Warn("traces can't be sent, they are lost until it works again", "to", s.set.shown(), "error", err)
	case err == nil && s.failing.Swap(false):
		s.log.Info("traces are sent again", "to", s.set.shown())
	}
}

// send tries until the time for one export is over. What the specification calls
// retryable is tried again, with a growing pause or the one that was asked for.
func (s *sender) send(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.set.timeout)
	defer cancel()
	for wait := 500 * time.Millisecond; ; wait *= 2 {
		asked, err := s.post(ctx, body)
		if err == nil || asked < 0 {
			return err
		}
		timer := time.NewTimer(max(asked, wait/2+rand.N(wait)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// never is a pause for what must not be tried again.
const never = -1

// post makes one attempt. The pause is what the receiver asks for before the next.
func (s *sender) post(ctx context.Context, body []byte) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.set.url.String(), bytes.NewReader(body))
	if err != nil {
		return never, err
	}
	r.Header = s.header.Clone()
	resp, err := s.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch code := resp.StatusCode; {
	case code == http.StatusOK && err == nil:
		return never, rejected(answer)
	case code == 429, code == 502, code == 503, code == 504:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(seconds) * time.Second, fmt.Errorf("the receiver answered %s", resp.Status)
	default:
		return never, errors.Join(fmt.Errorf("the receiver answered %s", resp.Status), err)
	}
}

// rejected reads ExportTraceServiceResponse: partial_success (1) with rejected_spans (1)
// and error_message (2).
func rejected(answer []byte) error {
	partial := fields(answer)[1].bytes
	f := fields(partial)
	if n := f[1].number; n > 0 {
		return fmt.Errorf("the receiver refused %d spans: %s", n, f[2].bytes)
	}
	return nil
}

type field struct {
	number uint64
	bytes  []byte
}

// fields reads the top of a protobuf message: numbers and bytes.
func fields(message []byte) map[protowire.Number]field {
	out := map[protowire.Number]field{}
	for len(message) > 0 {
		id, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return out
		}
		message = message[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(id, kind, message)
		}
		if n < 0 {
			return out
		}
		out[id], message = f, message[n:]
	}
	return out
}
