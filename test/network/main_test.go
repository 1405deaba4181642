// Package network_test runs the binary where brokers and AWS can be reached by a proxy or
// a jump host alone: a gantry, an edge and a data centre, each a Linux network namespace
// of its own, with real proxies, a real sshd, a real Kafka and an AWS API server.
//
//	app ── edge ── dc        app and dc have no route to each other
package network_test

import (
	"os"
	"testing"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
