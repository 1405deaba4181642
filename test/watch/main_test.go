// Package watch_test looks at gantry as those who watch it do: the alert rules in a real
// Prometheus that scrapes a running gantry, the dashboard against Grafana's own types and
// its queries in that Prometheus, traces in a receiver of OTLP, the log as JSON.
package watch_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
