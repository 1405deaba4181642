package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

// What Terraform's AWS provider asks in versions later than the recorded one
// (recorded_test.go) is taken from their source (internal/service/lambda: function.go and
// permission.go of version 6 as of the durable functions, event_source_mapping.go of
// version 5 as of the tags of mappings) and sent through the SDK that they use: the tags of
// mappings, resources of their own, and members that did not exist.

const tfName = "orders"

func tfClient(t *testing.T, b *bench) *sdk.Client {
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	})
}

// tfFunction is a function with nothing but what it must have.
func tfFunction(t *testing.T, tf *sdk.Client) {
	t.Helper()
	_, err := tf.CreateFunction(t.Context(), &sdk.CreateFunctionInput{
		Code: &types.FunctionCode{ZipFile: zipOf("app.py")}, Description: aws.String(""), FunctionName: aws.String(tfName), MemorySize: aws.Int32(128),
		PackageType: types.PackageTypeZip, Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(3),
		Handler: aws.String("app.handler"), Runtime: types.RuntimePython312,
	})
	require.NoError(t, err)
}

// tfMapping is a mapping with nothing but what it must have, and what more sets.
func tfMapping(t *testing.T, tf *sdk.Client, more func(*sdk.CreateEventSourceMappingInput)) *sdk.GetEventSourceMappingOutput {
	t.Helper()
	in := &sdk.CreateEventSourceMappingInput{
		FunctionName: aws.String(tfName), Enabled: aws.Bool(true), Topics: []string{"orders"}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"known.test:9092"}}},
	}
	if more != nil {
		more(in)
	}
	m, err := tf.CreateEventSourceMapping(t.Context(), in)
	require.NoError(t, err)
	out, err := tf.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: m.UUID})
	require.NoError(t, err)
	return out
}

// Tags of a mapping are read and written apart from it, and leave the rest as it is.
func TestLaterTerraformSeesTheTagsOfMappings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, tf := t.Context(), tfClient(t, b)
	tfFunction(t, tf)
	m := tfMapping(t, tf, func(in *sdk.CreateEventSourceMappingInput) {
		in.Tags = map[string]string{"team": "a", "stage": "one"}
		in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("kafka://orders.dead")}}
	})
	require.Equal(t, "kafka://orders.dead", *m.DestinationConfig.OnFailure.Destination)
	tags := func() map[string]string {
		out, err := tf.ListTags(ctx, &sdk.ListTagsInput{Resource: m.EventSourceMappingArn})
		require.NoError(t, err)
		return out.Tags
	}
	require.Equal(t, map[string]string{"team": "a", "stage": "one"}, tags())
	_, err := tf.UntagResource(ctx, &sdk.UntagResourceInput{Resource: m.EventSourceMappingArn, TagKeys: []string{"stage"}})
	require.NoError(t, err)
	_, err = tf.TagResource(ctx, &sdk.TagResourceInput{Resource: m.EventSourceMappingArn, Tags: map[string]string{"team": "b"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "b"}, tags())
	again, err := tf.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: m.UUID})
	require.NoError(t, err)
	was, is := members(t, m), members(t, again)
	for _, own := range []string{"ResultMetadata", "State"} {
		delete(was, own)
		delete(is, own)
	}
	require.Equal(t, was, is)
}

// What later versions have resources and data sources for is answered, the same each time.
func TestLaterTerraformIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, tf, name := t.Context(), tfClient(t, b), aws.String(tfName)
	tfFunction(t, tf)
	for range 2 {
		runtime, err := tf.GetRuntimeManagementConfig(ctx, &sdk.GetRuntimeManagementConfigInput{FunctionName: name})
		require.NoError(t, err)
		require.Equal(t, types.UpdateRuntimeOnAuto, runtime.UpdateRuntimeOn)
		layers, err := tf.ListLayers(ctx, &sdk.ListLayersInput{})
		require.NoError(t, err)
		require.Empty(t, layers.Layers)
		account, err := tf.GetAccountSettings(ctx, &sdk.GetAccountSettingsInput{})
		require.NoError(t, err)
		require.NotNil(t, account.AccountLimit)
		require.EqualValues(t, 1, account.AccountUsage.FunctionCount)
	}
	var gone *types.ResourceNotFoundException
	_, err := tf.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("AllowBucket")})
	require.True(t, errors.As(err, &gone), "a permission that went another way: %v", err)
}

// members are those of an answer that are set.
func members(t *testing.T, out any) map[string]any {
	t.Helper()
	text, err := json.Marshal(out)
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

// absent is what Terraform takes for not there.
func absent(t *testing.T, read map[string]any, names []string) {
	t.Helper()
	for _, name := range names {
		value := read[name]
		list, isList := value.([]any)
		require.True(t, value == nil || value == false || value == 0.0 || isList && len(list) == 0, "%s is read as %v", name, value)
	}
}

// Of a function and a mapping with nothing but what they must have, nothing more is read
// that the files do not have and that the provider neither computes nor overlooks: each
// would be planned to go.
func TestLaterTerraformSeesNoDriftOfWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, tf := t.Context(), tfClient(t, b)
	tfFunction(t, tf)
	fn, err := tf.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String(tfName)})
	require.NoError(t, err)
	require.Nil(t, fn.Concurrency)
	require.Empty(t, aws.ToString(fn.Configuration.Description))
	require.Equal(t, types.PackageTypeZip, fn.Configuration.PackageType)
	if tracing := fn.Configuration.TracingConfig; tracing != nil {
		require.Equal(t, types.TracingModePassThrough, tracing.Mode)
	}
	absent(t, members(t, fn.Configuration), []string{
		"CapacityProviderConfig", "DeadLetterConfig", "DurableConfig", "Environment", "FileSystemConfigs", "ImageConfigResponse", "KMSKeyArn", "Layers", "TenancyConfig",
		"SigningJobArn", "SigningProfileVersionArn", "VpcConfig",
	})
	m := tfMapping(t, tf, nil)
	require.Equal(t, int32(100), *m.BatchSize, "the one size that is overlooked for Kafka")
	require.Equal(t, b.functionARN(tfName, ""), *m.FunctionArn)
	absent(t, members(t, m), []string{
		"FilterCriteria", "ScalingConfig", "Queues", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "TumblingWindowInSeconds", "SourceAccessConfigurations",
		"BisectBatchOnFunctionError", "FunctionResponseTypes", "StartingPositionTimestamp", "MetricsConfig", "ProvisionedPollerConfig", "DocumentDBEventSourceConfig",
	})
	tags, err := tf.ListTags(ctx, &sdk.ListTagsInput{Resource: m.EventSourceMappingArn})
	require.NoError(t, err)
	require.Empty(t, tags.Tags)
}
