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
)

// terraform does what Terraform's AWS provider (5 and 6) does for aws_lambda_function,
// aws_lambda_permission and aws_lambda_event_source_mapping, in its order and with its
// members, through the SDK that it uses.
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

// refresh reads what the provider reads, and gives its state.
func (tf terraform) refresh() string {
	ctx, name := tf.t.Context(), aws.String(tfName)
	fn, err := tf.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name})
	require.NoError(tf.t, err)
	require.Equal(tf.t, types.StateActive, fn.Configuration.State)
	require.Equal(tf.t, types.LastUpdateStatusSuccessful, fn.Configuration.LastUpdateStatus)
	versions, err := tf.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: name, MaxItems: aws.Int32(10000)})
	require.NoError(tf.t, err)
	require.NotEmpty(tf.t, versions.Versions)
	signing, err := tf.GetFunctionCodeSigningConfig(ctx, &sdk.GetFunctionCodeSigningConfigInput{FunctionName: name})
	require.NoError(tf.t, err)
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
	b.engine.status[tf.uuid] = mapping.Status{State: mapping.Enabled}
	return tf
}

// TestTerraformSeesNoDrift creates, refreshes twice, updates, refreshes and destroys.
func TestTerraformSeesNoDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	tf := terraform{t: t, Client: sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	})}.create(b)
	ctx, name := t.Context(), aws.String(tfName)
	state := tf.refresh()
	require.Contains(t, state, `\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::bucket\"}`)
	require.Contains(t, state, `\"Principal\":{\"Service\":\"s3.amazonaws.com\"}`)
	require.Equal(t, state, tf.refresh(), "a refresh changes nothing")

	_, err := tf.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, Timeout: aws.Int32(5), Environment: &types.Environment{Variables: map[string]string{"STAGE": "two"}}, Layers: []string{},
	})
	require.NoError(t, err)
	tf.function["Timeout"], tf.function["Environment"] = 5.0, map[string]any{"Variables": map[string]any{"STAGE": "two"}}
	_, err = tf.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf("app.py", "lib.py")})
	require.NoError(t, err)
	_, err = tf.TagResource(ctx, &sdk.TagResourceInput{Resource: aws.String(b.functionARN(tfName, "")), Tags: map[string]string{"team": "b"}})
	require.NoError(t, err)
	_, err = tf.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{
		UUID: &tf.uuid, FunctionName: name, Enabled: aws.Bool(true), BatchSize: aws.Int32(200), MaximumBatchingWindowInSeconds: aws.Int32(0),
		BisectBatchOnFunctionError: aws.Bool(false), MaximumRetryAttempts: aws.Int32(4), MaximumRecordAgeInSeconds: aws.Int32(600),
		SourceAccessConfigurations: []types.SourceAccessConfiguration{{Type: types.SourceAccessTypeBasicAuth, URI: aws.String("secret:login")}},
		FilterCriteria:             &types.FilterCriteria{}, FunctionResponseTypes: []types.FunctionResponseType{},
	})
	require.NoError(t, err)
	maps.Copy(tf.mapping, map[string]any{"BatchSize": 200.0, "MaximumBatchingWindowInSeconds": 0.0, "BisectBatchOnFunctionError": false, "MaximumRetryAttempts": 4.0})
	delete(tf.mapping, "FilterCriteria")
	tf.mapping["FunctionResponseTypes"] = []any{}
	updated := tf.refresh()
	require.NotContains(t, updated, "numeric", "the filter is taken away")
	require.NotEqual(t, state, updated)
	require.Contains(t, updated, `AllowBucket`, "an update keeps the policy")
	require.Equal(t, updated, tf.refresh())

	_, err = tf.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: &tf.uuid})
	require.NoError(t, err)
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
