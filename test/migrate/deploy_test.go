package migrate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// deployment is what CloudFormation would do with an exported template, as far as Lambda's
// API is concerned: it answers the intrinsic functions and makes AWS's own requests of the
// properties. A property that a request does not have fails.
type deployment struct {
	t          *testing.T
	to         *gantrytest.Gantry
	dir        string // of the template and the packages
	parameters map[string]string
	secrets    map[string]string // ARN → content

	resources map[string]templateResource
}

type templateResource struct {
	Type       string
	Properties map[string]any
}

func (d *deployment) run() (mappings map[string]string) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "template.yaml"))
	require.NoError(d.t, err)
	var whole struct {
		Parameters map[string]struct{ Default *string }
		Resources  map[string]templateResource
	}
	asJSON, err := yaml.YAMLToJSON(text)
	require.NoError(d.t, err)
	require.NoError(d.t, json.Unmarshal(asJSON, &whole))
	for name, p := range whole.Parameters {
		if _, given := d.parameters[name]; !given {
			require.NotNil(d.t, p.Default, "parameter %s wants an answer", name)
			d.parameters[name] = *p.Default
		}
	}
	d.resources = whole.Resources
	mappings = map[string]string{}
	for _, kind := range []string{"AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"} {
		for id, r := range d.resources {
			switch {
			case r.Type != kind:
			case kind == "AWS::Lambda::Function":
				d.function(r)
			default:
				mappings[id] = d.mapping(r)
			}
		}
	}
	return mappings
}

func (d *deployment) function(r templateResource) {
	d.t.Helper()
	p := d.value(r.Properties).(map[string]any)
	code, err := os.ReadFile(filepath.Join(d.dir, p["Code"].(map[string]any)["S3Key"].(string)))
	require.NoError(d.t, err)
	p["Code"] = map[string]any{"ZipFile": code}
	tags(p)
	delete(p, "ReservedConcurrentExecutions")
	var in lambda.CreateFunctionInput
	d.exactly(p, &in)
	_, err = d.to.Lambda().CreateFunction(d.t.Context(), &in)
	require.NoError(d.t, err)
}

func (d *deployment) mapping(r templateResource) string {
	d.t.Helper()
	p := d.value(r.Properties).(map[string]any)
	tags(p)
	p["Enabled"] = p["Enabled"] == "true"
	if s, ok := p["SelfManagedEventSource"].(map[string]any); ok {
		endpoints := s["Endpoints"].(map[string]any)
		s["Endpoints"] = map[string]any{"KAFKA_BOOTSTRAP_SERVERS": endpoints["KafkaBootstrapServers"]}
	}
	var in lambda.CreateEventSourceMappingInput
	d.exactly(p, &in)
	out, err := d.to.Lambda().CreateEventSourceMapping(d.t.Context(), &in)
	require.NoError(d.t, err)
	return *out.UUID
}

// exactly reads properties into a request of AWS's SDK.
func (d *deployment) exactly(properties map[string]any, in any) {
	d.t.Helper()
	text, err := json.Marshal(properties)
	require.NoError(d.t, err)
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	require.NoError(d.t, strict.Decode(in), string(text))
}

func tags(p map[string]any) {
	list, ok := p["Tags"].([]any)
	if !ok {
		return
	}
	all := map[string]string{}
	for _, entry := range list {
		pair := entry.(map[string]any)
		all[pair["Key"].(string)] = pair["Value"].(string)
	}
	p["Tags"] = all
}

var (
	placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)
	reference   = regexp.MustCompile(`\{\{resolve:secretsmanager:(.+?):SecretString\}\}`)
)

// value answers the intrinsic functions and the references to secrets in a value.
func (d *deployment) value(v any) any {
	d.t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["Ref"].(string); ok {
			return d.parameter(name)
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			return d.value(placeholder.ReplaceAllStringFunc(text, func(p string) string { return d.parameter(p[2 : len(p)-1]) }))
		}
		if of, ok := v["Fn::GetAtt"].([]any); ok {
			return d.arn(of[0].(string))
		}
		out := map[string]any{}
		for key, inner := range v {
			out[key] = d.value(inner)
		}
		return out
	case []any:
		out := []any{}
		for _, inner := range v {
			out = append(out, d.value(inner))
		}
		return out
	case string:
		return reference.ReplaceAllStringFunc(v, func(r string) string {
			arn := reference.FindStringSubmatch(r)[1]
			require.Contains(d.t, d.secrets, arn)
			return d.secrets[arn]
		})
	}
	return v
}

func (d *deployment) parameter(name string) string {
	d.t.Helper()
	require.Contains(d.t, d.parameters, name)
	return d.parameters[name]
}

func (d *deployment) arn(id string) string {
	d.t.Helper()
	r := d.resources[id]
	if r.Type == "AWS::IAM::Role" {
		return "arn:aws:iam::000000000000:role/" + id
	}
	require.Equal(d.t, "AWS::Lambda::Function", r.Type)
	return fmt.Sprintf("arn:aws:lambda:us-east-1:000000000000:function:%s", strings.TrimSpace(r.Properties["FunctionName"].(string)))
}
