package kafkatest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the broker of this test binary. It starts with the first test that asks.
var shared struct {
	once    sync.Once
	dir     string
	cluster *Cluster
	err     error
}

// Shared gives one broker that all tests of a package use: start it once, name topics
// by Topic. A test that kills or stops brokers, or wants other Options, uses Start. End
// it in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
func Shared(t testing.TB) *Cluster {
	t.Helper()
	d := need(t, Latest)
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "gantry-kafka-*"); shared.err == nil {
			shared.cluster, shared.err = launch(d, shared.dir, Options{Version: Latest})
		}
	})
	if shared.err != nil {
		t.Fatalf("start the shared Kafka %s: %v", Latest, shared.err)
	}
	return shared.cluster
}

// Main runs the tests of a package and then ends its shared broker. Without it the
// kernel ends the broker with the test binary, and only its files stay behind.
func Main(m *testing.M) (code int) {
	defer removeCompiled()
	defer func() {
		if shared.cluster != nil {
			shared.cluster.Stop()
		}
		if shared.dir == "" {
			return
		}
		if err := os.RemoveAll(shared.dir); err != nil {
			fmt.Fprintf(os.Stderr, "remove the shared broker's files: %v\n", err)
		}
	}()
	return m.Run()
}
