// Package demo is the story gantry demo tells: two services of a data centre, refactored
// into functions, on a built-in broker. Its functions are the gantry binary itself,
// started as processes that speak Lambda's Runtime API, so the real path runs.
package demo

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Bootstrap runs this process as the function that _HANDLER names.
func Bootstrap() {
	lambda.Start(handlers()[os.Getenv("_HANDLER")])
}

func handlers() map[string]func(context.Context, events.KafkaEvent) error {
	return map[string]func(context.Context, events.KafkaEvent) error{}
}
