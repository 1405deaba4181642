// Package aws_test runs the integrations with services of AWS as a user does: gantry on a
// real Kafka, and AWS's APIs on loopback, by MiniStack behind a proxy that throttles,
// refuses single entries, loses answers and goes away, or by botocore's own models.
package aws_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
