package arch

import (
	"fmt"
	"strings"
)

const (
	kafkaClient = "github.com/twmb/franz-go"
	fakeCluster = kafkaClient + "/pkg/kfake"
	registries  = kafkaClient + "/pkg/sr" // speaks HTTP with schema registries, and no Kafka
)

// KafkaClient keeps the types of the Kafka client where Kafka is spoken: in kafka and in
// pipeline/poll. Everything else speaks in the words of record, so the client can change,
// and the hot path can be read, in two folders. The in-memory cluster is for tests and
// for the one folder that offers it as a development broker.
func KafkaClient(t *Tree) []Breach {
	var found []Breach
	for _, f := range t.Go {
		if f.Test || beside(f.Dir) || harness(f.Dir) {
			continue
		}
		for _, i := range f.Imports {
			if what := refusedClient(f.Dir, i.Path); what != "" {
				found = append(found, Breach{File: f.Path, Line: i.Line, What: what})
			}
		}
	}
	return sorted(found)
}

func refusedClient(dir, path string) string {
	switch {
	case !strings.HasPrefix(path, kafkaClient):
		return ""
	case path == fakeCluster && !below(dir, "kafka/embedded"):
		return dir + " imports the in-memory cluster: outside tests only kafka/embedded does"
	case path == registries && below(dir, "schema"):
		return ""
	case below(dir, "kafka") || below(dir, "pipeline/poll"):
		return ""
	default:
		return fmt.Sprintf("%s imports %s: the Kafka client stays in kafka and pipeline/poll; "+
			"declare what you need in the words of record and let the engine hand it over", dir, path)
	}
}
