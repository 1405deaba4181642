// Package integrations_test runs the integrations from a Kafka topic to a real or an
// AWS-API-compatible server, in gantry and as deployed functions.
package integrations_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
