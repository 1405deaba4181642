// The suite's function in Go, on AWS's own client.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type noSuchOrder struct{ order any }

func (e noSuchOrder) Error() string { return fmt.Sprintf("order %v is unknown", e.order) }

func handle(ctx context.Context, event map[string]any) (any, error) {
	switch event["do"] {
	case "fail":
		return nil, noSuchOrder{event["order"]}
	case "exit":
		os.Exit(3)
	case "hang":
		<-ctx.Done() // the deadline; then until it is killed
		time.Sleep(time.Hour)
	case "big":
		return strings.Repeat("x", int(event["size"].(float64))), nil
	case "log":
		fmt.Println("printed")
		fmt.Fprintln(os.Stderr, "an error")
	case "nothing":
		return nil, nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"id": lc.AwsRequestID, "name": lambdacontext.FunctionName, "version": lambdacontext.FunctionVersion,
			"memory": lambdacontext.MemoryLimitInMB, "arn": lc.InvokedFunctionArn,
			"group": lambdacontext.LogGroupName, "stream": lambdacontext.LogStreamName,
			"left": time.Until(deadline).Milliseconds(), "client": lc.ClientContext.Custom, "trace": os.Getenv("_X_AMZN_TRACE_ID"),
		}, nil
	}
	return event, nil
}

func main() { lambda.Start(handle) }
