package mapping_test

import (
	"testing"

	"gantry/mapping"
)

func TestDestinations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mapping.DestinationKind{
		"": "", "kafka://orders.dead": mapping.ToTopic, "arn:aws:sqs:eu-west-1:123456789012:dead": mapping.ToQueue,
		"arn:aws-cn:sns:cn-north-1:123456789012:dead": mapping.ToSNS, "arn:aws:s3:::orders-dead": mapping.ToBucket,
		mapping.BucketARN("s3://orders-dead"): mapping.ToBucket, "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:dead": mapping.ToQueue,
	} {
		if got, err := mapping.ParseDestination(text); err != nil || got.Kind != want {
			t.Errorf("%q: %q, %v", text, got.Kind, err)
		}
	}
	for _, text := range []string{
		"orders", "kafka://", "kafka://a b", "sqs://dead", "arn:aws:sqs:eu-west-1:123456789012:dead.fifo", "arn:aws:sns:eu-west-1:123456789012:t.fifo",
		"arn:aws:sqs:eu-west-1::dead", "arn:aws:s3:eu-west-1::b", "arn:aws:s3:::B_", "arn:aws:lambda:eu-west-1:123456789012:function:f", "arn:aws:s3",
	} {
		if got, err := mapping.ParseDestination(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}
