package trace

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// settings are a Config with OpenTelemetry's variables read into it (specification:
// OTLP exporter configuration, SDK environment variables).
type settings struct {
	on      bool
	url     *url.URL
	headers map[string]string
	gzip    bool
	timeout time.Duration
	ca      string // files
	cert    string
	key     string
	sampler sdk.Sampler // nil = what OTEL_TRACES_SAMPLER says, or the SDK's default
}

// shown is the receiver without what may be secret.
func (s *settings) shown() string { return s.url.Scheme + "://" + s.url.Host + s.url.Path }

// defaultEndpoint is the specification's, used where traces were asked for and no place.
const defaultEndpoint = "http://localhost:4318"

// vars reads variables: those of traces before those of everything.
type vars func(string) (string, bool)

func (v vars) get(name string) string {
	s, _ := v(name)
	return strings.TrimSpace(s)
}

// otlp is OTEL_EXPORTER_OTLP_TRACES_… or OTEL_EXPORTER_OTLP_…, and which of the two.
func (v vars) otlp(name string) (value, from string) {
	for _, from := range []string{"OTEL_EXPORTER_OTLP_TRACES_" + name, "OTEL_EXPORTER_OTLP_" + name} {
		if s := v.get(from); s != "" {
			return s, from
		}
	}
	return "", ""
}

func settingsOf(cfg Config) (*settings, error) {
	v := vars(cfg.LookupEnv)
	s := &settings{timeout: 10 * time.Second, headers: map[string]string{}}
	endpoint, from := v.otlp("ENDPOINT")
	exporter := v.get("OTEL_TRACES_EXPORTER")
	disabled := strings.EqualFold(v.get("OTEL_SDK_DISABLED"), "true")
	s.on = !disabled && exporter != "none" && (exporter != "" || endpoint != "" || cfg.Endpoint != "")
	if !s.on {
		return s, nil
	}
	var errs []error
	if exporter != "" && exporter != "otlp" {
		errs = append(errs, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not known; want otlp or none", exporter))
	}
	if protocol, name := v.otlp("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		errs = append(errs, fmt.Errorf("%s: gantry does not speak %q; want http/protobuf (collectors take it on port 4318)", name, protocol))
	}
	errs = append(errs, s.place(endpoint, from, cfg), s.transport(v), s.heads(v, cfg))
	if cfg.Sample != nil && v.get("OTEL_TRACES_SAMPLER") == "" {
		s.sampler = sdk.ParentBased(sdk.TraceIDRatioBased(*cfg.Sample))
	}
	return s, errors.Join(errs...)
}

// place finds the URL. OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is, the others
// are bases.
func (s *settings) place(endpoint, from string, cfg Config) error {
	path := "/v1/traces"
	switch {
	case strings.HasSuffix(from, "TRACES_ENDPOINT"):
		path = ""
	case endpoint == "" && cfg.Endpoint != "":
		endpoint, from = cfg.Endpoint, "telemetry.traces.endpoint"
	case endpoint == "":
		endpoint = defaultEndpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s: is not the URL of an OTLP receiver; write it as http://host:4318", from)
	}
	if path != "" {
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	}
	s.url = u
	return nil
}

func (s *settings) transport(v vars) error {
	var errs []error
	switch compression, name := v.otlp("COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		errs = append(errs, fmt.Errorf("%s: %q is not known; want gzip or none", name, compression))
	}
	if text, name := v.otlp("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			errs = append(errs, fmt.Errorf("%s: %q is no number of milliseconds", name, text))
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	s.ca, _ = v.otlp("CERTIFICATE")
	s.cert, _ = v.otlp("CLIENT_CERTIFICATE")
	s.key, _ = v.otlp("CLIENT_KEY")
	if (s.cert == "") != (s.key == "") {
		errs = append(errs, errors.New("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY: one is given without the other"))
	}
	return errors.Join(errs...)
}

// heads reads key1=value1,key2=value2 with percent-encoded values, over those of the file.
// An error does not repeat a value: it may be a token.
func (s *settings) heads(v vars, cfg Config) error {
	for name, value := range cfg.Headers {
		s.headers[http.CanonicalHeaderKey(name)] = value
	}
	text, from := v.otlp("HEADERS")
	var errs []error
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			errs = append(errs, fmt.Errorf("%s: entry %q is not name=value", from, name))
			continue
		}
		s.headers[http.CanonicalHeaderKey(name)] = decoded
	}
	return errors.Join(errs...)
}
