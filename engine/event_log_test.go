package engine_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// written keeps the documents of mappings' event logs.
type written struct {
	mu   sync.Mutex
	docs []map[string]any
	to   string // function and stream of the last one
}

// ARN implements engine.EventLog.
func (w *written) ARN(uuid string) string {
	return "arn:aws:lambda:eu-west-1:000000000000:event-source-mapping:" + uuid
}

// Write implements engine.EventLog.
func (w *written) Write(function, stream string, _ time.Time, document []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var doc map[string]any
	if json.Unmarshal(document, &doc) == nil {
		w.docs = append(w.docs, doc)
	}
	w.to = function + " " + stream
}

// of gives the documents of a kind and forgets all.
func (w *written) of(kind string) []map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []map[string]any
	for _, d := range w.docs {
		if d["eventType"] == kind {
			found = append(found, d)
		}
	}
	w.docs = nil
	return found
}

// TestEventLogs: AWS's documents (Developer Guide, esm-logging), by the level that the
// mapping has now.
func TestEventLogs(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		m := orders()
		m.SystemLogLevel = mapping.LogDebug
		p.mapping(m)
		settle(90 * time.Second)
		require.Equal(t, "f 2000/01/01/"+id, p.events.to)

		p.events.mu.Lock()
		docs := append([]map[string]any(nil), p.events.docs...)
		p.events.mu.Unlock()
		first := docs[0]
		require.Equal(t, "POLLER_STATUS_EVENT", first["eventType"])
		require.Equal(t, "INFO", first["logLevel"])
		require.Equal(t, p.events.ARN(id), first["resourceArn"])
		require.Equal(t, id+"/0", first["eventProcessorId"])
		require.NotContains(t, first, "eventSourceArn", "self-managed")
		c := first["kafkaEventSourceConnection"].(map[string]any)
		require.NotEmpty(t, c["consumerId"])
		require.Equal(t, strings.Join(p.fake.Brokers(), ","), c["brokerEndpoints"])
		require.NotContains(t, c, "saslMechanism", "nobody logs in")
		require.NotZero(t, c["partitionsAssignmentGeneration"])
		require.Equal(t, []any{"g", "PLAINTEXT", []any{"orders"}, []any{"orders-0"}, 1.0, 1.0},
			[]any{c["consumerGroupId"], c["securityProtocol"], c["topics"], c["assignedPartitions"], c["assignedPartitionCount"], c["totalPartitionCount"]})
		status := p.events.of("KAFKA_STATUS_EVENT")
		require.Len(t, status, 2, "each minute")
		require.Equal(t, map[string]any{"partition": "orders-0", "endOffset": 3.0, "consumedOffset": 3.0, "processedOffset": 3.0, "committedOffset": 3.0},
			status[1]["kafkaPartitionOffsets"])

		p.fake.FailCommits("g", 1, kerr.GroupAuthorizationFailed)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "d")
		settle(20 * time.Second)
		failed := p.events.of("ESM_PROCESSING_EVENT")
		require.NotEmpty(t, failed)
		require.Equal(t, "WARN", failed[0]["logLevel"])
		require.Equal(t, "org.apache.kafka.common.errors.GroupAuthorizationException", failed[0]["error"].(map[string]any)["errorCode"])

		p.change(id, func(m *mapping.Mapping) { m.SystemLogLevel = mapping.LogWarn })
		settle(5 * time.Second)
		p.events.of("")
		settle(3 * time.Minute)
		require.Empty(t, p.events.docs, "less than a warning is not written now")
		p.change(id, func(m *mapping.Mapping) { m.SystemLogLevel = "" })
		p.fake.FailCommits("g", 1, kerr.GroupAuthorizationFailed)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "e")
		settle(20 * time.Second)
		require.Empty(t, p.events.docs)
	})
}
