// Package migrate_test takes mappings to AWS: exported templates before AWS's own linters
// and applied to a second gantry, and the hand-over of a group to it, on a real Kafka.
package migrate_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
