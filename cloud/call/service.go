package call

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:generate sh -c "cd ../.. && go run ./internal/awsmodels -botocore $BOTOCORE"

//go:embed models
var models embed.FS

// maxModel bounds a model file, unpacked, in bytes: the largest of AWS's (EC2) has 3 MB.
const maxModel = 64 << 20

// Services are the names of the bundled models (botocore's), in order.
func Services() []string { return slices.Sorted(maps.Keys(services)) }

// ServiceID is the id by which the SDKs know a bundled service, "" for any other.
func ServiceID(name string) string { return services[name] }

// Open gives the model of a bundled service.
func Open(service string) (*Model, error) {
	if services[service] == "" {
		return nil, fmt.Errorf("no model of a service %q is bundled; there are %s; for any other give its service-2.json as the setting model",
			service, strings.Join(Services(), ", "))
	}
	body, err := models.ReadFile("models/" + service + ".json.gz")
	if err != nil {
		return nil, err
	}
	return Read(service, bytes.NewReader(body))
}

// Read reads a service-2.json, packed with gzip or not. The name is for errors.
func Read(name string, from io.Reader) (*Model, error) {
	in := bufio.NewReader(from)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("model of %s: %w", name, err)
		}
		in = bufio.NewReader(z)
	}
	m := &Model{Name: name}
	if err := json.NewDecoder(io.LimitReader(in, maxModel)).Decode(m); err != nil {
		return nil, fmt.Errorf("model of %s: not a service-2.json: %w", name, err)
	}
	if err := m.link(); err != nil {
		return nil, fmt.Errorf("model of %s: %w", name, err)
	}
	return m, nil
}

// Model is what is known of a service: its operations and the shapes of their inputs and
// outputs. It is not changed after it was read.
type Model struct {
	Name       string                `json:"-"`
	Metadata   metadata              `json:"metadata"`
	Operations map[string]*Operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
}

type metadata struct {
	APIVersion     string   `json:"apiVersion"`
	EndpointPrefix string   `json:"endpointPrefix"`
	JSONVersion    string   `json:"jsonVersion"`
	Protocol       string   `json:"protocol"`
	Protocols      []string `json:"protocols"`
	ServiceID      string   `json:"serviceId"`
	SigningName    string   `json:"signingName"`
	TargetPrefix   string   `json:"targetPrefix"`
}

// Operation is one call a service offers.
type Operation struct {
	Name string `json:"-"`
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
	} `json:"http"`
	Input    *member `json:"input"`
	Output   *member `json:"output"`
	Endpoint struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
	Discovery struct {
		Required bool `json:"required"`
	} `json:"endpointdiscovery"`
	AuthType string   `json:"authtype"`
	Auth     []string `json:"auth"`

	model *Model
}

// member is the use of a shape: as a member of a structure, in a list or in a map, as an
// input or an output.
type member struct {
	Shape            string `json:"shape"`
	Location         string `json:"location"` // "", uri, querystring, header, headers, statusCode
	LocationName     string `json:"locationName"`
	IdempotencyToken bool   `json:"idempotencyToken"`
	Flattened        bool   `json:"flattened"`
	TimestampFormat  string `json:"timestampFormat"`
	JSONValue        bool   `json:"jsonvalue"`
	HostLabel        bool   `json:"hostLabel"`
	ResultWrapper    string `json:"resultWrapper"`

	of *shape
}

// shape is a type of the model.
type shape struct {
	Type            string             `json:"type"`
	Members         map[string]*member `json:"members"`
	Required        []string           `json:"required"`
	Payload         string             `json:"payload"`
	Member          *member            `json:"member"`
	Key             *member            `json:"key"`
	Value           *member            `json:"value"`
	Min             *float64           `json:"min"`
	Max             *float64           `json:"max"`
	Pattern         string             `json:"pattern"`
	Flattened       bool               `json:"flattened"`
	TimestampFormat string             `json:"timestampFormat"`
	LocationName    string             `json:"locationName"`
	Document        bool               `json:"document"`
	Union           bool               `json:"union"`
	EventStream     bool               `json:"eventstream"`

	pattern *regexp.Regexp // nil where there is none, or one that Go's syntax does not have
}

// name is what a member is called on the wire.
func (m *member) name(given string) string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return given
}

// link checks a model and joins its references.
func (m *Model) link() error {
	if len(m.Operations) == 0 || m.Metadata.EndpointPrefix == "" {
		return errors.New("it has no operations or no endpointPrefix: give a service-2.json of botocore")
	}
	if err := m.protocol(); err != nil {
		return err
	}
	var missing []string
	join := func(where string, ref *member) {
		if ref == nil {
			return
		}
		if ref.of = m.Shapes[ref.Shape]; ref.of == nil {
			missing = append(missing, fmt.Sprintf("%s names a shape %q that is not there", where, ref.Shape))
		}
	}
	for name, s := range m.Shapes {
		if s == nil {
			return fmt.Errorf("shape %s is null", name)
		}
		missing = append(missing, s.incomplete(name)...)
		s.pattern, _ = regexp.Compile(s.Pattern) // a pattern of Java's that Go lacks is left to the service
		for n, ref := range s.Members {
			join(name+"."+n, ref)
		}
		join(name+" (element)", s.Member)
		join(name+" (key)", s.Key)
		join(name+" (value)", s.Value)
	}
	for name, op := range m.Operations {
		if op == nil {
			return fmt.Errorf("operation %s is null", name)
		}
		op.Name, op.model = name, m
		join(name+" (input)", op.Input)
		join(name+" (output)", op.Output)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return errors.New(strings.Join(missing[:min(len(missing), 10)], "; "))
	}
	return m.structures()
}

// incomplete names what a shape lacks for its type.
func (s *shape) incomplete(name string) []string {
	var faults []string
	for n, ref := range s.Members {
		if ref == nil {
			faults = append(faults, fmt.Sprintf("%s.%s is null", name, n))
		}
	}
	if s.Type == "list" && s.Member == nil || s.Type == "map" && (s.Key == nil || s.Value == nil) {
		faults = append(faults, fmt.Sprintf("%s is a %s of nothing", name, s.Type))
	}
	if s.Payload != "" && s.Members[s.Payload] == nil {
		faults = append(faults, fmt.Sprintf("the payload %s.%s is no member", name, s.Payload))
	}
	return faults
}

// structures checks that inputs and outputs are structures.
func (m *Model) structures() error {
	for name, op := range m.Operations {
		for _, ref := range []*member{op.Input, op.Output} {
			if ref != nil && ref.of.Type != "structure" {
				return fmt.Errorf("operation %s takes or gives a %s, want a structure", name, ref.of.Type)
			}
		}
	}
	return nil
}

// The protocols that are spoken.
const (
	protocolJSON  = "json"
	protocolREST  = "rest-json"
	protocolQuery = "query"
)

// protocol settles the protocol: the model's, or the first it lists that is spoken.
func (m *Model) protocol() error {
	spoken := []string{protocolJSON, protocolREST, protocolQuery}
	for _, p := range append([]string{m.Metadata.Protocol}, m.Metadata.Protocols...) {
		if slices.Contains(spoken, p) {
			m.Metadata.Protocol = p
			if p == protocolJSON && (m.Metadata.TargetPrefix == "" || m.Metadata.JSONVersion == "") {
				return errors.New("its protocol is json and it has no targetPrefix or no jsonVersion")
			}
			return nil
		}
	}
	return fmt.Errorf("its protocol is %q; spoken are %s; call it by a signed request instead (integration signed-http)",
		m.Metadata.Protocol, strings.Join(spoken, ", "))
}

func (m *Model) signingName() string {
	if m.Metadata.SigningName != "" {
		return m.Metadata.SigningName
	}
	return m.Metadata.EndpointPrefix
}

// Operation gives an operation that can be called; the error says why another cannot.
func (m *Model) Operation(name string) (*Operation, error) {
	op := m.Operations[name]
	if op == nil {
		return nil, fmt.Errorf("%s has no operation %q; it has %s", m.Name, name, strings.Join(slices.Sorted(maps.Keys(m.Operations)), ", "))
	}
	for _, ref := range []*member{op.Input, op.Output} {
		if ref == nil {
			continue
		}
		for n, sub := range ref.of.Members {
			if sub.of.EventStream {
				return nil, fmt.Errorf("%s %s speaks in an event stream (%s), which is not supported; use the operation that answers at once", m.Name, name, n)
			}
		}
	}
	return op, nil
}

func (op *Operation) unsigned() bool {
	return op.AuthType == "none" || slices.Equal(op.Auth, []string{"smithy.api#noAuth"})
}

// Tokens are the members of the input that are idempotency tokens.
func (op *Operation) Tokens() []string {
	var names []string
	if op.Input != nil {
		for name, ref := range op.Input.of.Members {
			if ref.IdempotencyToken {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// withToken gives the input with its tokens filled. The caller's map is not changed.
func (op *Operation) withToken(input map[string]any, token string) map[string]any {
	out := map[string]any{}
	maps.Copy(out, input)
	for _, name := range op.Tokens() {
		if out[name] == nil && token != "" {
			out[name] = token
		}
	}
	return out
}
