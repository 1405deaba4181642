package clients

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// goSDK calls the operations of aws-sdk-go-v2 by their names.
type goSDK struct{ client *sdk.Client }

func newGoSDK(_ *testing.T, s *server) client {
	return &goSDK{client: sdk.New(sdk.Options{
		BaseEndpoint: aws.String(s.url), Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""),
	})}
}

func (g *goSDK) call(t *testing.T, operation string, input map[string]any) (map[string]any, *failure) {
	method := reflect.ValueOf(g.client).MethodByName(operation)
	in := reflect.New(method.Type().In(1).Elem())
	body, err := json.Marshal(input)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, in.Interface()), operation)
	results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	if err, _ := results[1].Interface().(error); err != nil {
		return nil, failureOf(t, err)
	}
	body, err = json.Marshal(results[0].Interface())
	require.NoError(t, err)
	out, err := decoded(body)
	require.NoError(t, err)
	return out, nil
}

func failureOf(t *testing.T, err error) *failure {
	var api smithy.APIError
	var answer *awshttp.ResponseError
	require.ErrorAs(t, err, &api)
	f := &failure{Code: api.ErrorCode(), Message: api.ErrorMessage()}
	if errors.As(err, &answer) {
		f.Status, f.RequestID = answer.HTTPStatusCode(), answer.ServiceRequestID()
	}
	return f
}
