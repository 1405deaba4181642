// Package aws holds the integrations with services of AWS that are called by their public
// models (package cloud/call): queues, topics, buses, streams, state machines, tables, any
// other operation, and raw signed requests.
//
// The flow: each record becomes an entry (entry.go), entries go into requests within the
// service's limits (write.go), and what the service says of each entry becomes the
// record's verdict (fault.go). A file for each service says how its entries look and what
// bounds a request; the numbers are AWS's own, from the service's API reference.
//
// Invariants: of the entries of one lane (a key, a partition) at most one is in a request
// that is under way, so a service that takes the second entry and not the first can not
// turn their order around; what stands behind an entry that failed is not sent. A request
// that is refused as a whole is cut until the entry that is at fault is alone.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"gantry/cloud/call"
	"gantry/sink"
)

// Specs are the catalogue's entries of this package.
func Specs() []sink.Spec {
	return []sink.Spec{
		sqsSpec(), snsSpec(), eventBridgeSpec(), kinesisSpec(), firehoseSpec(), stepFunctionsSpec(), dynamoDBSpec(), genericSpec(), signedSpec(),
	}
}

// service is what the Sinks of this package share.
type service struct {
	deps     sink.Deps
	settings sink.Settings
	region   string // "" = the configuration's
	model    func() (*call.Model, error)
}

// bundled makes the service of a bundled model. where is an ARN or a URL that may name
// the region.
func bundled(name, where string, s sink.Settings, d sink.Deps) service {
	region := s["region"]
	if region == "" {
		region = regionOf(where)
	}
	return service{deps: d.WithDefaults(), settings: s, region: region, model: sync.OnceValues(func() (*call.Model, error) { return call.Open(name) })}
}

// fromFile is bundled for a model that may be a file.
func fromFile(s sink.Settings, d sink.Deps) service {
	out := bundled(s["service"], "", s, d)
	if path := s["model"]; path != "" {
		out.model = sync.OnceValues(func() (*call.Model, error) { return readModel(s["service"], path) })
	}
	return out
}

func readModel(service, path string) (*call.Model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the model: %w", err)
	}
	defer file.Close()
	return call.Read(service, file)
}

// client makes the client for one Write: the configuration is asked for anew, as its
// credentials may have changed.
func (s *service) client(ctx context.Context) (*call.Client, error) {
	if s.deps.AWS == nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: errors.New("there is no configuration for AWS; see aws: and, where the function has a role, roles: of the file")}
	}
	cfg, err := s.deps.AWS(ctx)
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	model, err := s.model()
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	c, err := call.New(ctx, cfg, model, call.Options{Region: s.region, Endpoint: s.settings["endpoint"]})
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	return c, nil
}

// Close implements sink.Sink.
func (s *service) Close() error { return nil }

var regionForm = regexp.MustCompile(`^[a-z]{2,4}-[a-z-]+-\d$`)

// regionOf is the region an ARN or a URL of AWS names, "" for any other.
func regionOf(where string) string {
	if parts := strings.SplitN(where, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[3]
	}
	if u, err := url.Parse(where); err == nil {
		return regionIn(u.Hostname())
	}
	return ""
}

// common are the settings all of them have, behind their own.
func common(own []sink.Setting, parallel string) []sink.Setting {
	return append(own,
		sink.Setting{Name: "region", About: "of the service; left out, the one in its ARN or URL, else that of aws:", Example: "eu-west-2"},
		sink.Setting{Name: "endpoint", About: "URL of the service; left out, that of aws:, else AWS's own", Example: "https://vpce-1.sqs.eu-west-2.vpce.amazonaws.com", Check: sink.HTTPURL},
		sink.Setting{Name: "parallel", About: "requests under way at once, for one batch", Default: parallel, Check: sink.Number(1, 64)},
	)
}

// ordering is the setting order.
func ordering(otherwise, about string) sink.Setting {
	return sink.Setting{Name: "order", Default: otherwise, Values: []string{"key", "partition", "none"},
		About: "what is kept in order: the records of a key, of a partition, or nothing; of those in order one goes after the other. " + about}
}

// contents are the settings of what is sent.
func contents(what string, tombstones ...string) []sink.Setting {
	return []sink.Setting{
		{Name: "body", About: what + ": a template; left out, the record's value as it is", Example: `{"order": {{ json .value }}, "token": "{{ .token }}"}`, Check: sink.CheckTemplate},
		{Name: "tombstones", About: "records without a value: " + strings.Join(tombstones, ", ") + " (fill: the template body is filled)", Default: tombstones[0], Values: tombstones},
	}
}

// bodyForFill says that only a template can be filled.
func bodyForFill(s sink.Settings) []error {
	if s["tombstones"] == "fill" && s["body"] == "" {
		return []error{errors.New("tombstones: fill goes with body, the template that is filled")}
	}
	return nil
}

// arn checks the ARN of a service.
func arn(service string) func(string) error {
	form := regexp.MustCompile(`^arn:aws[a-z-]*:` + service + `:[a-z0-9-]+:\d{12}:.+$`)
	return func(value string) error {
		if !form.MatchString(value) {
			return fmt.Errorf("%q is none; want arn:aws:%s:REGION:ACCOUNT:NAME", value, service)
		}
		return nil
	}
}

// arnFor is the ARN for a policy where only a name is known.
func arnFor(service, region, rest string) string {
	if region == "" {
		region = "*"
	}
	return "arn:aws:" + service + ":" + region + ":*:" + rest
}
