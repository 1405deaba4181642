package lambda

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

// shapes are the requests and answers of AWS's model that the table speaks of.
var shapes = map[string]any{
	"CreateEventSourceMapping":        sdk.CreateEventSourceMappingInput{},
	"UpdateEventSourceMapping":        sdk.UpdateEventSourceMappingInput{},
	"GetEventSourceMapping":           sdk.GetEventSourceMappingInput{},
	"DeleteEventSourceMapping":        sdk.DeleteEventSourceMappingInput{},
	"ListEventSourceMappings":         sdk.ListEventSourceMappingsInput{},
	"TagResource":                     sdk.TagResourceInput{},
	"UntagResource":                   sdk.UntagResourceInput{},
	"ListTags":                        sdk.ListTagsInput{},
	"CreateFunction":                  sdk.CreateFunctionInput{},
	"UpdateFunctionConfiguration":     sdk.UpdateFunctionConfigurationInput{},
	"UpdateFunctionCode":              sdk.UpdateFunctionCodeInput{},
	"GetFunction":                     sdk.GetFunctionInput{},
	"GetFunctionConfiguration":        sdk.GetFunctionConfigurationInput{},
	"DeleteFunction":                  sdk.DeleteFunctionInput{},
	"ListFunctions":                   sdk.ListFunctionsInput{},
	"ListVersionsByFunction":          sdk.ListVersionsByFunctionInput{},
	"Invoke":                          sdk.InvokeInput{},
	"PutFunctionConcurrency":          sdk.PutFunctionConcurrencyInput{},
	"PutFunctionEventInvokeConfig":    sdk.PutFunctionEventInvokeConfigInput{},
	"UpdateFunctionEventInvokeConfig": sdk.UpdateFunctionEventInvokeConfigInput{},
	"GetFunctionEventInvokeConfig":    sdk.GetFunctionEventInvokeConfigInput{},
	"DeleteFunctionEventInvokeConfig": sdk.DeleteFunctionEventInvokeConfigInput{},
	"ListFunctionEventInvokeConfigs":  sdk.ListFunctionEventInvokeConfigsInput{},
	"FunctionEventInvokeConfig":       types.FunctionEventInvokeConfig{},
	"GetFunctionConcurrency":          sdk.GetFunctionConcurrencyInput{},
	"DeleteFunctionConcurrency":       sdk.DeleteFunctionConcurrencyInput{},
	"GetFunctionCodeSigningConfig":    sdk.GetFunctionCodeSigningConfigInput{},
	"GetAccountSettings":              sdk.GetAccountSettingsInput{},
	"AddPermission":                   sdk.AddPermissionInput{},
	"GetPolicy":                       sdk.GetPolicyInput{},
	"RemovePermission":                sdk.RemovePermissionInput{},
	"GetRuntimeManagementConfig":      sdk.GetRuntimeManagementConfigInput{},
	"ListLayers":                      sdk.ListLayersInput{},
	"EventSourceMappingConfiguration": types.EventSourceMappingConfiguration{},
	"FunctionConfiguration":           types.FunctionConfiguration{},
	"AccountLimit":                    types.AccountLimit{},
	"AccountUsage":                    types.AccountUsage{},
}

// TestCompatibilityNamesEveryMember fails when AWS's model gains a member, or when the
// table names one that the model has not.
func TestCompatibilityNamesEveryMember(t *testing.T) {
	t.Parallel()
	tables := Compatibility()
	require.Len(t, tables, len(shapes))
	for _, operation := range tables {
		shape, ok := shapes[operation.Name]
		require.True(t, ok, "%s is not compared with the model", operation.Name)
		var named []string
		for _, m := range operation.Members {
			require.NotContains(t, named, m.Name, operation.Name)
			named = append(named, m.Name)
			require.True(t, inModel(reflect.TypeOf(shape), m.Name), "%s has no member %s", operation.Name, m.Name)
		}
		for _, name := range exported(reflect.TypeOf(shape)) {
			known := slices.ContainsFunc(named, func(n string) bool { return n == name || strings.HasPrefix(n, name+".") })
			require.True(t, known, "%s does not speak of %s", operation.Name, name)
		}
	}
}

// Inner members of the objects that are not refused or taken as a whole are complete too.
func TestCompatibilityNamesInnerMembers(t *testing.T) {
	t.Parallel()
	for _, operation := range Compatibility() {
		for _, m := range operation.Members {
			outer, _, inner := strings.Cut(m.Name, ".")
			if !inner {
				continue
			}
			field, _ := reflect.TypeOf(shapes[operation.Name]).FieldByName(outer)
			for _, name := range exported(structOf(field.Type)) {
				known := slices.ContainsFunc(operation.Members, func(n Member) bool {
					return n.Name == outer+"."+name || strings.HasPrefix(n.Name, outer+"."+name+".")
				})
				require.True(t, known, "%s does not speak of %s.%s", operation.Name, outer, name)
			}
		}
	}
}

func inModel(shape reflect.Type, path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		field, ok := structOf(shape).FieldByName(part)
		if !ok {
			return false
		}
		shape = field.Type
	}
	return true
}

func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func exported(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			names = append(names, f.Name)
		}
	}
	return names
}

// TestEveryOperationIsAnsweredOrListed walks the operations of the SDK's client.
func TestEveryOperationIsAnsweredOrListed(t *testing.T) {
	t.Parallel()
	var answered, all []string
	for _, o := range slices.Concat(mappingMembers, functionMembers) {
		answered = append(answered, o.Name)
	}
	client := reflect.TypeFor[*sdk.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Type.NumIn() == 4 && m.Type.NumOut() == 2 {
			all = append(all, m.Name)
		}
	}
	require.Greater(t, len(all), 80)
	require.ElementsMatch(t, all, slices.Concat(answered, Unanswered()))
}

func TestRuntimesAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	var model []string
	for _, r := range types.Runtime("").Values() {
		model = append(model, string(r))
	}
	require.ElementsMatch(t, model, runtimes)
}

func TestAccessTypesAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	var model, ours []string
	for _, a := range types.SourceAccessType("").Values() {
		model = append(model, string(a))
	}
	ours = append(ours, accessTypes...)
	require.ElementsMatch(t, model, ours)
}

// Every member that is refused by name is refused in a request that carries it, and
// taken with AWS's default.
func TestEveryNotYetMemberIsRefused(t *testing.T) {
	t.Parallel()
	for _, operation := range slices.Concat(mappingMembers, functionMembers) {
		for _, m := range operation.Members {
			if m.Standing != NotYet && m.Standing != NotKafka {
				continue
			}
			found := &faults{}
			require.NoError(t, refuseNotYet(operation.Name, nest(m.Name, `"something"`), found))
			require.Len(t, found.refused, 1, "%s %s", operation.Name, m.Name)
			require.Contains(t, found.refused[0], m.Name)
			for _, value := range slices.Concat(m.Accepts, []string{`null`, `""`, `[]`, `{}`, `false`, `{"a":[]}`}) {
				found := &faults{}
				require.NoError(t, refuseNotYet(operation.Name, nest(m.Name, value), found))
				require.Empty(t, found.refused, "%s %s=%s", operation.Name, m.Name, value)
			}
		}
	}
}

func nest(path, value string) []byte {
	parts := strings.Split(path, ".")
	for _, part := range slices.Backward(parts) {
		value = `{"` + part + `":` + value + `}`
	}
	return []byte(value)
}
