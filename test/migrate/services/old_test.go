package services_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

var (
	//go:embed testdata/OldService.java
	javaService string
	//go:embed testdata/old_service.py
	pythonService string
)

// door is where old services log in: without TLS, which would cost each start of a JVM more
// than all it does.
const door = "legacy"

func listener() kafkatest.Listener {
	return kafkatest.Listener{Name: door, Protocol: "SASL_PLAINTEXT", Properties: map[string]string{
		"sasl.enabled.mechanisms": "PLAIN",
		"plain.sasl.jaas.config":  fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, kafkatest.UserName, kafkatest.UserPassword),
	}}
}

// kind is an old service: a client, and how it is a member of its group.
type kind struct {
	name     string
	settings map[string]string
	python   bool
	newest   bool // KIP-848: brokers from 4.0 on
	inside   bool // in the test itself
}

func kinds() []kind {
	return []kind{
		{name: "classic", settings: map[string]string{"partition.assignment.strategy": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"}},
		{name: "KIP-848", settings: map[string]string{"group.protocol": "consumer"}, newest: true},
		{name: "static", settings: map[string]string{"group.instance.id": "billing-1"}},
		{name: "librdkafka", settings: map[string]string{"partition.assignment.strategy": "cooperative-sticky"}, python: true},
	}
}

// old is a service that is started and stopped by the hooks of a plan, as a supervisor does.
type old struct {
	t       *testing.T
	c       *kafkatest.Cluster
	kind    kind
	group   string
	topic   string
	second  string // a topic that it reads as well, where it is Python
	outputs string
	dir     string
	running *kafkatest.Program
	inside  inside
	deaf    bool
}

func (o *old) start() {
	o.t.Helper()
	if o.kind.inside {
		o.inside.start(o)
		return
	}
	if o.running != nil && o.running.Running() {
		return
	}
	if o.kind.python {
		o.running = o.startPython()
		return
	}
	classes := kafkatest.Compile(o.t, o.c.Version(), "OldService", javaService)
	args := []string{o.javaSettings(), o.topic, o.outputs}
	if o.deaf {
		args = append(args, "deaf")
	}
	o.running = kafkatest.StartJava(o.t, o.c.Version(), classes, "OldService", args...)
}

func (o *old) stop() error {
	if o.kind.inside {
		o.inside.stop()
		return nil
	}
	if o.running == nil {
		return nil
	}
	return o.running.Stop(30 * time.Second)
}

// javaSettings are those of its consumer and its producer in one file; each takes its own.
func (o *old) javaSettings() string {
	settings := map[string]string{
		"bootstrap.servers": o.c.ListenerBrokers(door)[0], "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
		"sasl.jaas.config": fmt.Sprintf(`org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`, kafkatest.UserName, kafkatest.UserPassword),
		"group.id":         o.group, "client.id": "billing", "auto.offset.reset": "earliest", "enable.auto.commit": "false",
		"key.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer", "value.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer",
		"key.serializer": "org.apache.kafka.common.serialization.ByteArraySerializer", "value.serializer": "org.apache.kafka.common.serialization.ByteArraySerializer",
		"linger.ms": "5",
	}
	for k, v := range o.kind.settings {
		settings[k] = v
	}
	var text strings.Builder
	for k, v := range settings {
		fmt.Fprintf(&text, "%s=%s\n", k, v)
	}
	path := filepath.Join(o.dir, "old.properties")
	require.NoError(o.t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

func (o *old) startPython() *kafkatest.Program {
	python := gantrytest.Kit(o.t, "venv-schemas", "python")
	common := map[string]string{
		"bootstrap.servers": o.c.ListenerBrokers(door)[0], "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
		"sasl.username": kafkatest.UserName, "sasl.password": kafkatest.UserPassword, "client.id": "billing",
	}
	consumer := map[string]string{"group.id": o.group, "auto.offset.reset": "earliest", "enable.auto.commit": "false"}
	for _, more := range []map[string]string{common, o.kind.settings} {
		for k, v := range more {
			consumer[k] = v
		}
	}
	text, err := json.Marshal(map[string]any{"consumer": consumer, "producer": common})
	require.NoError(o.t, err)
	settings, script := filepath.Join(o.dir, "old.json"), filepath.Join(o.dir, "old_service.py")
	require.NoError(o.t, os.WriteFile(settings, text, 0o600))
	require.NoError(o.t, os.WriteFile(script, []byte(pythonService), 0o600))
	return kafkatest.StartProgram(o.t, exec.Command(python, script, settings, strings.TrimSuffix(o.topic+","+o.second, ","), o.outputs))
}
