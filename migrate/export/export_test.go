package export

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// small is a mapping that AWS has all of.
func small() Case {
	return Case{
		Mapping: mapping.Mapping{
			UUID: "00000000-0000-4000-8000-000000000001", Name: "orders", GroupID: "g", Start: mapping.TrimHorizon, BatchSize: 10,
			RetryAttempts: mapping.Endless, RecordAge: mapping.Endless, OversizeDrop: true,
			Source:    mapping.Source{Bootstrap: []string{"k.example:9094"}, Topics: []string{"orders"}},
			Functions: []mapping.Consumer{{Function: "f"}},
		},
		Functions: map[string]function.Function{
			"f": {Name: "f", Kind: function.Process, Runtime: "python3.12", Handler: "a.h", Timeout: time.Second, Memory: 128, Environment: map[string]string{"PASSWORD": "hunter2"}},
			"g": {Name: "g", Kind: function.Process, Runtime: "python3.12", Handler: "a.h", Timeout: time.Second, Memory: 128},
		},
		Cluster: kafka.Config{TLS: &kafka.TLSConfig{}, SASL: &kafka.SASLConfig{Mechanism: kafka.Plain, Secret: "secret:kafka"}},
	}
}

func made(t *testing.T, c Case, kind Kind, accept ...string) Result {
	t.Helper()
	out, err := Make([]Case{c}, Options{Kind: kind, Accept: accept, Values: true})
	require.NoError(t, err)
	return out
}

func TestNothingIsLackingOfASmallMapping(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		require.Empty(t, made(t, small(), kind).Lacks)
	}
}

// Each feature is refused by its name, and by no other. What a file can say is in the
// cases of package cli; here is what only a store can hold today.
func TestFeaturesAreRefusedByName(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *Case){
		"functions": func(c *Case) { c.Mapping.Functions = []mapping.Consumer{{Function: "f"}, {Function: "g"}} },
		"topics":    func(c *Case) { c.Mapping.Source.Topics = []string{"orders", "returns"} },
		"timeout": func(c *Case) {
			fn := c.Functions["f"]
			fn.Timeout = 15 * time.Minute
			c.Functions["f"] = fn
		},
		"filter-fields": func(c *Case) { c.Mapping.Functions[0].Filters = []string{`{"key":["a"]}`} },
		"filter-operators": func(c *Case) {
			c.Mapping.Functions[0].Filters = []string{`{"value":{"$or":[{"a":[{"anything-but":{"suffix":"x"}}]},{"b":[1]}]}}`}
		},
		"event-source": func(c *Case) {
			c.Cluster.ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := small()
			change(&c)
			_, err := Make([]Case{c}, Options{Kind: SAM})
			var lacking *LackingError
			require.ErrorAs(t, err, &lacking)
			require.Equal(t, []string{name}, namesOf(lacking.Lacks))
			for _, kind := range Kinds() {
				out := made(t, c, kind, name)
				require.Contains(t, out.Template, "# not in AWS: "+name, "the place has a comment")
			}
		})
	}
}

// Several functions become several mappings; the first keeps the group.
func TestSeveralFunctionsBecomeSeveralMappings(t *testing.T) {
	t.Parallel()
	c := small()
	c.Mapping.Functions = []mapping.Consumer{{Function: "f"}, {Function: "g", Filters: []string{`{"value":{"a":[1]}}`}}}
	out := made(t, c, CloudFormation, "functions")
	require.Equal(t, 2, strings.Count(out.Template, "Type: AWS::Lambda::EventSourceMapping"))
	require.Contains(t, out.Template, "ConsumerGroupId: g\n")
	require.Contains(t, out.Template, "ConsumerGroupId: g.g\n")
	require.Len(t, out.Packages, 2)
}

// A timeout over AWS's limit is exported as the limit.
func TestTimeoutIsCut(t *testing.T) {
	t.Parallel()
	c := small()
	fn := c.Functions["f"]
	fn.Timeout = 15 * time.Minute
	c.Functions["f"] = fn
	require.Contains(t, made(t, c, Terraform, All).Template, "timeout          = 840")
}

// Who may not see the values of variables gets parameters, and nobody gets a secret.
func TestValuesAndSecretsStayHidden(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		out, err := Make([]Case{small()}, Options{Kind: kind})
		require.NoError(t, err)
		require.NotContains(t, out.Template, "hunter2")
		require.NotContains(t, out.Template, "secret:kafka")
		require.True(t, slices.ContainsFunc(out.Parameters, func(p Parameter) bool { return strings.Contains(p.About, "Value of PASSWORD") }))
		require.Contains(t, made(t, small(), kind).Template, "hunter2", "an admin sees his own values")
	}
}

// Names that differ in what a template can't say stay apart.
func TestNamesStayApart(t *testing.T) {
	t.Parallel()
	a, b := small(), small()
	a.Mapping.Name, b.Mapping.Name = "or-ders", "or_ders"
	b.Mapping.UUID, b.Mapping.GroupID = "00000000-0000-4000-8000-000000000002", "h"
	for _, kind := range Kinds() {
		out, err := Make([]Case{a, b}, Options{Kind: kind, Values: true})
		require.NoError(t, err)
		require.Len(t, out.Packages, 1, "one function for both")
		want := map[Kind]string{Terraform: `"aws_lambda_event_source_mapping" "or_ders_mapping_2"`}[kind]
		if want == "" {
			want = "OrDersMapping2:"
		}
		require.Contains(t, out.Template, want)
	}
}

func TestUnknownKindsAndFeaturesAreTold(t *testing.T) {
	t.Parallel()
	_, err := Make([]Case{small()}, Options{Kind: "pulumi"})
	require.ErrorContains(t, err, "want sam, cloudformation or terraform")
	_, err = Make([]Case{small()}, Options{Kind: SAM, Accept: []string{"lane"}})
	require.ErrorContains(t, err, "there is no such feature")
}
