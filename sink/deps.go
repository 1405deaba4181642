package sink

import (
	"context"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/record"
)

// Deps is what an integration may use of the world. Each member is safe for use by many
// goroutines; only Function is always there, the others are nil where nobody gives them,
// which WithDefaults mends.
type Deps struct {
	Function string // the function's name
	// AWS gives the configuration for calls to AWS: the credentials of the function's role,
	// or gantry's own where it has none; region, endpoints and the way. Ask at each use.
	AWS func(ctx context.Context) (aws.Config, error)
	// Secret resolves a reference. Ask at each use: it is kept, and may be rotated.
	Secret func(ctx context.Context, ref string) (string, error)
	// Forget drops a secret that a service refused, so that it is read anew.
	Forget func(ref string)
	// Dial makes connections through the function's networks.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Kafka opens a producer to a cluster. Close it.
	Kafka func(ctx context.Context, to Cluster) (Producer, error)
	Now   func() time.Time
	// Log writes a line into the function's log, where a record's own failure is told.
	Log func(line string)
}

// Cluster names a Kafka cluster: one of `clusters:`, or its brokers and how to log in.
type Cluster struct {
	Name      string // of clusters:; the rest is empty then
	Brokers   []string
	TLS       bool
	CA        string // reference; "" = the system's
	Mechanism string // SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, AWS_MSK_IAM; "" = none
	Login     string // reference to a secret with username and password
}

// Message is a record to be written. A nil Key or Value is Kafka's null.
type Message struct {
	Partition int32 // -1 = by its key
	Key       []byte
	Value     []byte
	Headers   []record.Header
	Time      time.Time
}

// Producer writes records to a topic, each acknowledged by all in-sync replicas and
// written once however often its request is repeated. It gives the error of each record,
// nil for one that was written.
type Producer interface {
	Produce(ctx context.Context, topic string, messages []Message) []error
	Close()
}

// WithDefaults puts in what nobody gave.
func (d Deps) WithDefaults() Deps {
	if d.Dial == nil {
		d.Dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = func(string) {}
	}
	if d.Forget == nil {
		d.Forget = func(string) {}
	}
	return d
}
