// Package e2e_test is the binary on a real Kafka, as a user runs it.
package e2e_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
