package mapping

import (
	"fmt"
	"regexp"
	"strings"
)

// DestinationKind is the kind of place dead letters go to.
type DestinationKind string

// The kinds of destination.
const (
	ToTopic  DestinationKind = "topic"  // kafka://TOPIC: of the source's cluster
	ToQueue  DestinationKind = "queue"  // an SQS queue
	ToSNS    DestinationKind = "sns"    // an SNS topic
	ToBucket DestinationKind = "bucket" // an S3 bucket
)

// Destination is an OnFailure destination read. The zero value is none.
type Destination struct {
	Kind      DestinationKind
	Name      string // of the topic, queue or bucket
	ARN       string // "" for a Kafka topic
	Region    string // "" for a Kafka topic and a bucket
	Account   string
	Partition string // aws, aws-cn, …
}

var (
	kafkaTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	queueName  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,256}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
)

// S3Scheme begins a bucket as a file may name it.
const S3Scheme = "s3://"

// BucketARN is the ARN of s3://BUCKET, and any other text as it is.
func BucketARN(text string) string {
	if bucket, ok := strings.CutPrefix(text, S3Scheme); ok {
		return "arn:aws:s3:::" + strings.TrimSuffix(bucket, "/")
	}
	return text
}

// ParseDestination reads kafka://TOPIC or the ARN of an SQS queue, an SNS topic or an S3
// bucket; "" is the zero value. FIFO queues and topics are refused, as AWS refuses them
// (monitoring-metrics-types).
func ParseDestination(text string) (Destination, error) {
	if text == "" {
		return Destination{}, nil
	}
	if topic, ok := strings.CutPrefix(text, "kafka://"); ok {
		if !kafkaTopic.MatchString(topic) {
			return Destination{}, fmt.Errorf("%q is no topic name", topic)
		}
		return Destination{Kind: ToTopic, Name: topic}, nil
	}
	part := strings.SplitN(text, ":", 6)
	if len(part) != 6 || part[0] != "arn" || !strings.HasPrefix(part[1], "aws") {
		return Destination{}, fmt.Errorf("%q is not supported; want kafka://TOPIC, or the ARN of an SQS queue, an SNS topic or an S3 bucket", text)
	}
	d := Destination{ARN: text, Partition: part[1], Region: part[3], Account: part[4], Name: part[5]}
	return d, d.ofService(part[2])
}

// ofService checks the rest of an ARN by the service it is of.
func (d *Destination) ofService(service string) error {
	switch service {
	case "s3":
		d.Kind = ToBucket
		if d.Region != "" || d.Account != "" || !bucketName.MatchString(d.Name) {
			return fmt.Errorf("%q is no ARN of a bucket, such as arn:aws:s3:::orders-dead", d.ARN)
		}
		return nil
	case "sqs":
		d.Kind = ToQueue
	case "sns":
		d.Kind = ToSNS
	default:
		return fmt.Errorf("%q is of %s; want an SQS queue, an SNS topic, an S3 bucket, or kafka://TOPIC", d.ARN, service)
	}
	if strings.HasSuffix(d.Name, ".fifo") {
		return fmt.Errorf("%q: FIFO queues and topics are no destination of a mapping", d.ARN)
	}
	if !regionName.MatchString(d.Region) || !accountID.MatchString(d.Account) || !queueName.MatchString(d.Name) {
		return fmt.Errorf("%q is no ARN of a queue or topic, such as arn:aws:%s:eu-west-1:123456789012:orders-dead", d.ARN, service)
	}
	return nil
}
