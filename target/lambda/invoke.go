package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	nethttp "net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gantry/function"
	"gantry/network/trip"
)

var errTimeout = errors.New("no answer within the function's timeout")

// Invoke implements function.Invoker.
func (t *Target) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	began := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, t.timeout, errTimeout)
	defer cancel()
	limited, journey := trip.Start(limited)
	answer, err := t.client.Invoke(limited, t.input(in), withTrace(in.TraceID))
	journey.Wait()
	var out function.Outcome
	if err != nil {
		out = t.classify(limited, journey, err)
	} else {
		out = t.answered(answer)
	}
	if out.RequestID == "" {
		out.RequestID = in.RequestID
	}
	out.Elapsed = time.Since(began)
	t.watch(ctx, &out)
	return out
}

func (t *Target) input(in function.Invocation) *lambda.InvokeInput {
	input := &lambda.InvokeInput{FunctionName: &t.arn, Payload: in.Payload}
	if in.LogTail {
		input.LogType = types.LogTypeTail
	}
	if in.ClientContext != "" {
		input.ClientContext = &in.ClientContext
	}
	return input
}

// withTrace sends X-Ray's header and bounds the answer, whoever gives it.
func withTrace(id string) func(*lambda.Options) {
	return func(o *lambda.Options) {
		o.HTTPClient = bounded{o.HTTPClient}
		if id != "" {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Amzn-Trace-Id", id))
		}
	}
}

// answered turns a response of Invoke into an outcome: the function ran.
func (t *Target) answered(answer *lambda.InvokeOutput) function.Outcome {
	id, _ := awsmiddleware.GetRequestIDMetadata(answer.ResultMetadata)
	out := function.Outcome{
		Class: function.Succeeded, Answer: answer.Payload, RequestID: id, StatusCode: int(answer.StatusCode),
		FunctionError: aws.ToString(answer.FunctionError), ExecutedVersion: aws.ToString(answer.ExecutedVersion),
		Log: logTail(answer.LogResult),
	}
	if out.FunctionError != "" {
		out.Class = function.Failed
		out.Message = t.message("the function failed (%s%s); its log says why", out.FunctionError, errorType(answer.Payload))
	} else if len(out.Answer) == 0 {
		out.Answer = []byte("null")
	}
	return out
}

// errorType names the type of a function's error document, which holds no data.
func errorType(document []byte) string {
	var d struct{ ErrorType string }
	if json.Unmarshal(document, &d) != nil || d.ErrorType == "" {
		return ""
	}
	return ", " + d.ErrorType
}

func logTail(encoded *string) []byte {
	log, err := base64.StdEncoding.DecodeString(aws.ToString(encoded))
	if err != nil || len(log) == 0 {
		return nil
	}
	return log[max(0, len(log)-function.LogTailBytes):]
}

// bounded stops reading an answer that is over what Lambda gives.
type bounded struct{ lambda.HTTPClient }

var errTooLong = errors.New("the answer is over the limit")

func (b bounded) Do(r *nethttp.Request) (*nethttp.Response, error) {
	resp, err := b.HTTPClient.Do(r)
	if resp != nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: function.MaxAnswer}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return n, errTooLong
	}
	return n, err
}
