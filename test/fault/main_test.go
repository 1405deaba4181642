// Package fault_test kills what can be killed while records flow, on a real Kafka, and
// looks at what was lost, repeated or out of order.
package fault_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// onEach runs a case on each version of this run, with one broker.
func onEach(t *testing.T, run func(*testing.T, *kafkatest.Cluster)) {
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		if version == kafkatest.Latest {
			run(t, kafkatest.Shared(t))
			return
		}
		run(t, kafkatest.Start(t, kafkatest.Options{Version: version}))
	})
}
