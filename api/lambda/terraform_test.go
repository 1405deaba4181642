package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/mapping"
	"gantry/store"
)

// terraform does what Terraform's AWS provider does for aws_lambda_function,
// aws_lambda_permission and aws_lambda_event_source_mapping, in its order and with its
// members, through the SDK that it uses. Taken from the provider's source
// (internal/service/lambda: function.go and permission.go of version 6, as of the durable
// functions; event_source_mapping.go of version 5, as of the tags of mappings), not
// recorded from a run: docs/compatibility.md says so.
type terraform struct {
	*sdk.Client
	t    *testing.T
	uuid string

	function, mapping map[string]any // what the files say of each, by member
}

const tfName = "orders"

// members are those of a request that are set.
func members(t *testing.T, in any) map[string]any {
	text, err := json.Marshal(in)
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal(text, &all))
	for name, value := range all {
		if value == nil || value == "" {
			delete(all, name)
		}
	}
	return all
}

// asWritten holds that whatever the files say is read back so: a member that is not would
// be drift, and planned again for ever.
func (tf terraform) asWritten(what string, written, read any) {
	tf.t.Helper()
	file, isFile := written.(map[string]any)
	if !isFile {
		require.Equal(tf.t, written, read, what)
		return
	}
	got, ok := read.(map[string]any)
	require.True(tf.t, ok, "%s is not read back", what)
	for name, value := range file {
		tf.asWritten(what+"."+name, value, got[name])
	}
}

// functionIsThere is what the provider waits for after it made or changed a function.
func (tf terraform) functionIsThere() *sdk.GetFunctionOutput {
	tf.t.Helper()
	fn, err := tf.GetFunction(tf.t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String(tfName)})
	require.NoError(tf.t, err)
	require.Equal(tf.t, types.StateActive, fn.Configuration.State)
	require.Equal(tf.t, types.LastUpdateStatusSuccessful, fn.Configuration.LastUpdateStatus)
	return fn
}

// mappingIs reads a mapping's state: one that the provider does not wait in is an error.
func (tf terraform) mappingIs(states ...string) {
	tf.t.Helper()
	m, err := tf.GetEventSourceMapping(tf.t.Context(), &sdk.GetEventSourceMappingInput{UUID: &tf.uuid})
	require.NoError(tf.t, err)
	require.Contains(tf.t, states, *m.State)
}

// refresh reads what the provider reads, and gives its state.
func (tf terraform) refresh() string {
	ctx, name := tf.t.Context(), aws.String(tfName)
	fn := tf.functionIsThere()
	versions, err := tf.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: name, MaxItems: aws.Int32(10000)})
	require.NoError(tf.t, err)
	require.NotEmpty(tf.t, versions.Versions)
	signing, err := tf.GetFunctionCodeSigningConfig(ctx, &sdk.GetFunctionCodeSigningConfigInput{FunctionName: name})
	require.NoError(tf.t, err)
	// of aws_lambda_runtime_management_config, a resource of its own
	runtime, err := tf.GetRuntimeManagementConfig(ctx, &sdk.GetRuntimeManagementConfigInput{FunctionName: name})
	require.NoError(tf.t, err)
	policy, err := tf.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name})
	require.NoError(tf.t, err)
	m, err := tf.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: &tf.uuid})
	require.NoError(tf.t, err)
	tags, err := tf.ListTags(ctx, &sdk.ListTagsInput{Resource: m.EventSourceMappingArn})
	require.NoError(tf.t, err)
	tf.asWritten("aws_lambda_function", tf.function, members(tf.t, fn.Configuration))
	tf.asWritten("aws_lambda_event_source_mapping", tf.mapping, members(tf.t, m))
	require.Equal(tf.t, map[string]string{"team": "a"}, tags.Tags)
	fn.Code.Location = nil // signed anew each time; the provider does not keep it
	state, err := json.Marshal([]any{fn.Configuration, fn.Code, fn.Concurrency, fn.Tags, versions.Versions, aws.ToString(signing.CodeSigningConfigArn),
		runtime.UpdateRuntimeOn, *policy.Policy, m.BatchSize, m.Topics, m.FunctionArn, m.State, m.FilterCriteria, m.SelfManagedEventSource,
		m.MaximumRetryAttempts, m.SourceAccessConfigurations, m.FunctionResponseTypes, tags.Tags})
	require.NoError(tf.t, err)
	return string(state)
}

func (tf terraform) create(b *bench) terraform {
	ctx, name := tf.t.Context(), aws.String(tfName)
	function := &sdk.CreateFunctionInput{
		Code: &types.FunctionCode{ZipFile: zipOf("app.py")}, Description: aws.String(""), FunctionName: name, MemorySize: aws.Int32(128),
		PackageType: types.PackageTypeZip, Publish: false, Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(3),
		Handler: aws.String("app.handler"), Runtime: types.RuntimePython312, Tags: map[string]string{"team": "a"},
		EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)}, TracingConfig: &types.TracingConfig{Mode: types.TracingModePassThrough},
		Environment: &types.Environment{Variables: map[string]string{"STAGE": "one"}},
	}
	_, err := tf.CreateFunction(ctx, function)
	require.NoError(tf.t, err)
	tf.functionIsThere()
	_, err = tf.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(7)})
	require.NoError(tf.t, err)
	_, err = tf.AddPermission(ctx, &sdk.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("AllowBucket"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		SourceArn: aws.String("arn:aws:s3:::bucket"), SourceAccount: aws.String("000000000000"),
	})
	require.NoError(tf.t, err)
	source := &sdk.CreateEventSourceMappingInput{
		FunctionName: name, Enabled: aws.Bool(true), Topics: []string{"orders"}, StartingPosition: types.EventSourcePositionTrimHorizon, BatchSize: aws.Int32(100),
		SelfManagedEventSource:            &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"known.test:9092"}}},
		SelfManagedKafkaEventSourceConfig: &types.SelfManagedKafkaEventSourceConfig{ConsumerGroupId: aws.String("orders-group")},
		SourceAccessConfigurations:        []types.SourceAccessConfiguration{{Type: types.SourceAccessTypeBasicAuth, URI: aws.String("secret:login")}},
		MaximumBatchingWindowInSeconds:    aws.Int32(5), MaximumRetryAttempts: aws.Int32(3), MaximumRecordAgeInSeconds: aws.Int32(600), BisectBatchOnFunctionError: aws.Bool(true),
		FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"value":{"total":[{"numeric":[">",100]}]}}`)}}},
		DestinationConfig:     &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("kafka://orders.dead")}},
		Tags:                  map[string]string{"team": "a"},
	}
	m, err := tf.CreateEventSourceMapping(ctx, source)
	require.NoError(tf.t, err)
	tf.function, tf.mapping = members(tf.t, function), members(tf.t, source)
	for _, elsewhere := range []string{"Code", "Publish", "Tags"} { // read by another member, or not kept
		delete(tf.function, elsewhere)
	}
	for _, elsewhere := range []string{"FunctionName", "Enabled", "Tags"} {
		delete(tf.mapping, elsewhere)
	}
	tf.uuid = *m.UUID
	tf.mappingIs("Creating", "Enabling")
	b.engine.status[tf.uuid] = mapping.Status{State: mapping.Enabled}
	tf.mappingIs("Enabled")
	return tf
}

// TestTerraformSeesNoDrift creates, refreshes twice, updates, refreshes and destroys.
func TestTerraformSeesNoDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	tf := terraform{t: t, Client: tfClient(server.URL)}.create(b)
	ctx, name := t.Context(), aws.String(tfName)
	state := tf.refresh()
	require.Contains(t, state, `\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::bucket\"}`)
	require.Contains(t, state, `\"Principal\":{\"Service\":\"s3.amazonaws.com\"}`)
	require.Equal(t, state, tf.refresh(), "a refresh changes nothing")

	// tags go first, then only what has changed
	_, err := tf.TagResource(ctx, &sdk.TagResourceInput{Resource: aws.String(b.functionARN(tfName, "")), Tags: map[string]string{"team": "b"}})
	require.NoError(t, err)
	_, err = tf.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, Timeout: aws.Int32(5), Environment: &types.Environment{Variables: map[string]string{"STAGE": "two"}},
	})
	require.NoError(t, err)
	tf.functionIsThere()
	tf.function["Timeout"], tf.function["Environment"] = 5.0, map[string]any{"Variables": map[string]any{"STAGE": "two"}}
	_, err = tf.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf("app.py", "lib.py")})
	require.NoError(t, err)
	tf.functionIsThere()
	_, err = tf.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: name})
	require.NoError(t, err)
	_, err = tf.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{
		UUID: &tf.uuid, BatchSize: aws.Int32(200), MaximumBatchingWindowInSeconds: aws.Int32(0),
		BisectBatchOnFunctionError: aws.Bool(false), MaximumRetryAttempts: aws.Int32(4),
		FilterCriteria: &types.FilterCriteria{}, FunctionResponseTypes: []types.FunctionResponseType{},
	})
	require.NoError(t, err)
	tf.mappingIs("Updating", "Enabling", "Enabled")
	maps.Copy(tf.mapping, map[string]any{"BatchSize": 200.0, "MaximumBatchingWindowInSeconds": 0.0, "BisectBatchOnFunctionError": false, "MaximumRetryAttempts": 4.0})
	delete(tf.mapping, "FilterCriteria")
	tf.mapping["FunctionResponseTypes"] = []any{}
	updated := tf.refresh()
	require.NotContains(t, updated, "numeric", "the filter is taken away")
	require.Nil(t, tf.functionIsThere().Concurrency, "the reservation is taken away")
	tf.nothingElse("FilterCriteria")
	require.NotEqual(t, state, updated)
	require.Contains(t, updated, `AllowBucket`, "an update keeps the policy")
	require.Equal(t, updated, tf.refresh())

	_, err = tf.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: &tf.uuid})
	require.NoError(t, err)
	tf.mappingIs("Deleting")
	tf.gone(b)
	_, err = tf.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("AllowBucket")})
	require.NoError(t, err)
	var gone *types.ResourceNotFoundException
	_, err = tf.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name})
	require.True(t, errors.As(err, &gone), "%v", err)
	_, err = tf.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("AllowBucket")})
	require.True(t, errors.As(err, &gone), "%v", err)
	_, err = tf.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name})
	require.NoError(t, err)
	_, err = tf.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name})
	require.True(t, errors.As(err, &gone), "%v", err)
	layers, err := tf.ListLayers(ctx, &sdk.ListLayersInput{})
	require.NoError(t, err)
	require.Empty(t, layers.Layers)
}

// gone is what the provider waits for after it deleted a mapping: the engine has stopped it.
func (tf terraform) gone(b *bench) {
	mappings := store.MappingsOf(b.store)
	_, version, err := mappings.Get(tf.t.Context(), tf.uuid)
	require.NoError(tf.t, err)
	require.NoError(tf.t, mappings.Delete(tf.t.Context(), tf.uuid, version, store.Write{}))
	_, err = tf.GetEventSourceMapping(tf.t.Context(), &sdk.GetEventSourceMappingInput{UUID: &tf.uuid})
	var gone *types.ResourceNotFoundException
	require.True(tf.t, errors.As(err, &gone), "%v", err)
}

// nothingElse holds that members of a mapping that the files do not have, and that the
// provider neither computes nor overlooks, are not read: each would be planned to go.
func (tf terraform) nothingElse(only ...string) {
	tf.t.Helper()
	m, err := tf.GetEventSourceMapping(tf.t.Context(), &sdk.GetEventSourceMappingInput{UUID: &tf.uuid})
	require.NoError(tf.t, err)
	if only == nil {
		only = []string{
			"FilterCriteria", "ScalingConfig", "Queues", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "TumblingWindowInSeconds", "SourceAccessConfigurations",
			"BisectBatchOnFunctionError", "FunctionResponseTypes", "StartingPositionTimestamp", "MetricsConfig", "ProvisionedPollerConfig", "DocumentDBEventSourceConfig",
		}
	}
	tf.absent(members(tf.t, m), only)
}

// absent is what Terraform takes for not there.
func (tf terraform) absent(read map[string]any, names []string) {
	tf.t.Helper()
	for _, name := range names {
		value := read[name]
		list, isList := value.([]any)
		require.True(tf.t, value == nil || value == false || value == 0.0 || isList && len(list) == 0, "%s is read as %v", name, value)
	}
}

// Of a function and a mapping with nothing but what they must have, nothing more is read
// that the provider would plan to take away.
func TestTerraformSeesNoDriftOfWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	tf := terraform{t: t, Client: tfClient(server.URL)}
	_, err := tf.CreateFunction(t.Context(), &sdk.CreateFunctionInput{
		Code: &types.FunctionCode{ZipFile: zipOf("app.py")}, Description: aws.String(""), FunctionName: aws.String(tfName), MemorySize: aws.Int32(128),
		PackageType: types.PackageTypeZip, Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(3),
		Handler: aws.String("app.handler"), Runtime: types.RuntimePython312,
	})
	require.NoError(t, err)
	fn := tf.functionIsThere()
	require.Nil(t, fn.Concurrency)
	require.Empty(t, aws.ToString(fn.Configuration.Description))
	require.Equal(t, types.PackageTypeZip, fn.Configuration.PackageType)
	if tracing := fn.Configuration.TracingConfig; tracing != nil {
		require.Equal(t, types.TracingModePassThrough, tracing.Mode)
	}
	tf.absent(members(t, fn.Configuration), []string{
		"CapacityProviderConfig", "DeadLetterConfig", "DurableConfig", "Environment", "FileSystemConfigs", "ImageConfigResponse", "KMSKeyArn", "Layers", "TenancyConfig",
		"SigningJobArn", "SigningProfileVersionArn", "VpcConfig",
	})
	m, err := tf.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{
		FunctionName: aws.String(tfName), Enabled: aws.Bool(true), Topics: []string{"orders"}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"known.test:9092"}}},
	})
	require.NoError(t, err)
	tf.uuid = *m.UUID
	require.Equal(t, int32(100), *m.BatchSize, "the one size that is overlooked for Kafka")
	require.Equal(t, b.functionARN(tfName, ""), *m.FunctionArn)
	tf.nothingElse()
	tags, err := tf.ListTags(t.Context(), &sdk.ListTagsInput{Resource: m.EventSourceMappingArn})
	require.NoError(t, err)
	require.Empty(t, tags.Tags)
}

func tfClient(url string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	})
}
