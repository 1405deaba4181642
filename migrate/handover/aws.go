package handover

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Lambda is a mapping in AWS Lambda, by its UUID.
type Lambda struct {
	Client *lambda.Client
	UUID   string
}

// NewLambda makes a client; endpoint "" is AWS's own.
func NewLambda(cfg aws.Config, uuid, endpoint string) Lambda {
	return Lambda{UUID: uuid, Client: lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})}
}

// Look implements There.
func (l Lambda) Look(ctx context.Context) (Remote, error) {
	out, err := l.Client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &l.UUID})
	if err != nil {
		return Remote{}, err
	}
	r := Remote{
		UUID: l.UUID, State: aws.ToString(out.State), Result: aws.ToString(out.LastProcessingResult), Reason: aws.ToString(out.StateTransitionReason),
		Function: aws.ToString(out.FunctionArn), ARN: aws.ToString(out.EventSourceArn), Topics: out.Topics,
	}
	if s := out.SelfManagedEventSource; s != nil {
		for _, brokers := range s.Endpoints {
			r.Brokers = append(r.Brokers, brokers...)
		}
	}
	switch {
	case out.SelfManagedKafkaEventSourceConfig != nil:
		r.Group = aws.ToString(out.SelfManagedKafkaEventSourceConfig.ConsumerGroupId)
	case out.AmazonManagedKafkaEventSourceConfig != nil:
		r.Group = aws.ToString(out.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId)
	}
	return r, nil
}

// Enable implements There.
func (l Lambda) Enable(ctx context.Context, on bool) error {
	_, err := l.Client.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &l.UUID, Enabled: &on})
	return err
}
