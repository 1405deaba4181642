package kafka

import (
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// JavaClass names the exception that Kafka's Java client has for an error. AWS's event
// logs speak in these names.
func JavaClass(err error) string {
	const in = "org.apache.kafka.common.errors."
	var code *kerr.Error
	if !errors.As(err, &code) {
		return in + "TimeoutException" // of a broker that is not reached, as the Java client has it
	}
	switch {
	case errors.Is(code, kerr.NotLeaderForPartition):
		return in + "NotLeaderOrFollowerException"
	case errors.Is(code, kerr.RequestTimedOut):
		return in + "TimeoutException"
	case errors.Is(code, kerr.UnknownServerError):
		return in + "UnknownServerException"
	}
	var name strings.Builder
	for word := range strings.SplitSeq(strings.TrimSuffix(code.Message, "_FAILED"), "_") {
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return in + name.String() + "Exception"
}

// SecurityProtocol is Kafka's name for how the cluster is reached.
func (c Cluster) SecurityProtocol() string {
	name := "PLAINTEXT"
	if c.TLS != nil || c.renew != nil {
		name = "SSL"
	}
	if c.Mechanism != "" {
		return "SASL_" + name
	}
	return name
}
