// Package fault_test kills what can be killed while records flow, on a real Kafka, and
// looks at what was lost, repeated or out of order.
package fault_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
