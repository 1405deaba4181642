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

	"gantry/mapping"
)

// terraform does what Terraform's AWS provider (5 and 6) does for aws_lambda_function,
// aws_lambda_permission and aws_lambda_event_source_mapping, in its order and with its
// members, through the SDK that it uses.
type terraform struct {
	*sdk.Client
	t    *testing.T
	uuid string
}

const tfName = "orders"

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
	fn.Code.Location = nil // signed anew each time; the provider does not keep it
	state, err := json.Marshal([]any{fn.Configuration, fn.Code, fn.Concurrency, fn.Tags, versions.Versions, aws.ToString(signing.CodeSigningConfigArn),
		runtime.UpdateRuntimeOn, *policy.Policy, m.BatchSize, m.Topics, m.FunctionArn, m.State, m.FilterCriteria, m.SelfManagedEventSource,
		m.MaximumRetryAttempts, m.SourceAccessConfigurations, m.FunctionResponseTypes, tags.Tags})
	require.NoError(tf.t, err)
	return string(state)
}

func (tf terraform) create(b *bench) terraform {
	ctx, name := tf.t.Context(), aws.String(tfName)
	_, err := tf.CreateFunction(ctx, &sdk.CreateFunctionInput{
		Code: &types.FunctionCode{ZipFile: zipOf("app.py")}, Description: aws.String(""), FunctionName: name, MemorySize: aws.Int32(128),
		PackageType: types.PackageTypeZip, Publish: false, Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(3),
		Handler: aws.String("app.handler"), Runtime: types.RuntimePython312, Tags: map[string]string{"team": "a"},
		EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)}, TracingConfig: &types.TracingConfig{Mode: types.TracingModePassThrough},
		Environment: &types.Environment{Variables: map[string]string{"STAGE": "one"}},
	})
	require.NoError(tf.t, err)
	_, err = tf.AddPermission(ctx, &sdk.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("AllowBucket"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		SourceArn: aws.String("arn:aws:s3:::bucket"), SourceAccount: aws.String("000000000000"),
	})
	require.NoError(tf.t, err)
	m, err := tf.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
		FunctionName: name, Enabled: aws.Bool(true), Topics: []string{"orders"}, StartingPosition: types.EventSourcePositionTrimHorizon, BatchSize: aws.Int32(100),
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"known.test:9092"}}},
		Tags:                   map[string]string{"team": "a"},
	})
	require.NoError(tf.t, err)
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
	_, err = tf.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf("app.py", "lib.py")})
	require.NoError(t, err)
	_, err = tf.TagResource(ctx, &sdk.TagResourceInput{Resource: aws.String(b.functionARN(tfName, "")), Tags: map[string]string{"team": "b"}})
	require.NoError(t, err)
	updated := tf.refresh()
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
