package kafkatest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Tools gives a folder for PATH with Kafka's own commands, as its bin/ has them.
func (c *Cluster) Tools(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	cp, err := c.dist.classpath()
	if err != nil {
		t.Fatalf("find Kafka's commands: %v", err)
	}
	quiet := filepath.Join(dir, "log4j.properties")
	if err := os.WriteFile(quiet, []byte("log4j.rootLogger=OFF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, class := range map[string]string{
		"kafka-topics.sh": "org.apache.kafka.tools.TopicCommand", "kafka-configs.sh": "kafka.admin.ConfigCommand",
		"kafka-acls.sh": "kafka.admin.AclCommand", "kafka-console-producer.sh": "kafka.tools.ConsoleProducer",
		"kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	} {
		script := fmt.Sprintf("#!/bin/sh\nexec '%s' -XX:TieredStopAtLevel=1 -Xshare:auto -Dorg.slf4j.simpleLogger.defaultLogLevel=error -Dlog4j.configuration='file:%s' -cp '%s' %s \"$@\"\n",
			c.dist.java, quiet, cp, class)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
