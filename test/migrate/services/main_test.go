// Package services_test moves old services to functions and back on real brokers, under load:
// Java's client in its protocols, static members, librdkafka. It asks one property: no record
// is lost, and what is processed twice is in a tail that was reported. Its tests run one
// after the other: they measure pauses.
package services_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
