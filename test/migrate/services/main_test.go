// Package services_test moves old services to functions and back on real brokers, under load:
// Java's client in its protocols, static members, librdkafka. It asks one property: no record
// is lost, and what is processed twice is in a tail that was reported. Tests that measure
// pauses run alone; the others, which wait for sessions and samples, at the same time.
package services_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
