package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/cloud"
	"gantry/integration"
	"gantry/kafka"
	"gantry/secret"
	"gantry/sink"
)

// bootstrap is an integration as a function of its own: AWS Lambda has started this
// binary. It serves invocations until it is ended.
func bootstrap(name string, environ []string) int {
	handler, err := bootstrapped(name, environ)
	if err != nil {
		fmt.Fprintf(os.Stderr, "integration %s can't start: %v\n", name, err)
		// The first invocation answers with the reason, which AWS would only have in a log.
		lambda.Start(func() error { return fmt.Errorf("integration %s can't start: %w", name, err) })
		return 1
	}
	lambda.Start(handler)
	return 0
}

// bootstrapped makes the handler from the function's environment.
func bootstrapped(name string, environ []string) (*sink.LambdaHandler, error) {
	sp, err := integration.Find(name)
	if err != nil {
		return nil, err
	}
	given, err := sp.FromEnvironment(environ)
	if err != nil {
		return nil, err
	}
	settings, err := sp.Prepare(given)
	if err != nil {
		return nil, err
	}
	d := lambdaDeps()
	made, err := sp.New(settings, d)
	if err != nil {
		return nil, err
	}
	return sink.Handler(made, d), nil
}

// lambdaDeps is what an integration may use in AWS: the function's role, its variables,
// and AWS Secrets Manager. What it logs goes to the function's log group.
func lambdaDeps() sink.Deps {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	road := cloud.New(cloud.Config{}, cloud.Options{Region: os.Getenv("AWS_REGION"), Log: log})
	secrets := secret.New(secret.Options{
		Rules: secret.Config{
			{Prefix: "arn:aws:secretsmanager:", From: secret.From{AWS: true}},
			{Prefix: "secret:", From: secret.From{AWS: true}},
		},
		Base: os.Getenv("LAMBDA_TASK_ROOT"), LookupEnv: os.LookupEnv,
		AWS: func(ctx context.Context) (aws.Config, error) { return road.Config(ctx) },
	})
	t := targets{kafka: kafka.Resolver{Secrets: secrets, AWS: road.Reread, Identities: &kafka.Identities{}}}
	return sink.Deps{
		Function: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), AWS: road.Config, Secret: secrets.One, Forget: secrets.ForgetOne, Kafka: t.producer,
		Log: func(line string) { fmt.Fprintln(os.Stderr, line) },
	}.WithDefaults()
}
