package bench

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

// benchVariable asks for the measurements: they take half an hour and the whole machine.
const benchVariable = "GANTRY_BENCH"

func TestMain(m *testing.M) {
	if isOne, code := child(); isOne {
		os.Exit(code)
	}
	os.Exit(kafkatest.Main(m))
}

// cluster is the real Kafka of a measurement.
func cluster(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	asked(t)
	kafkatest.Need(t, kafkatest.Latest)
	return kafkatest.Start(t, kafkatest.Options{JVM: []string{"-XX:TieredStopAtLevel=4", "-Xmx1g"}})
}

func asked(t *testing.T) {
	t.Helper()
	if os.Getenv(benchVariable) == "" {
		t.Skipf("a measurement: make bench runs it (%s=1)", benchVariable)
	}
}
