// Package shadow_test runs functions in shadow of an old Java service on a real broker: what
// is wrong with them is found and shown, what is right passes, and neither the service nor
// anything outside notices.
package shadow_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
