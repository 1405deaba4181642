package kafkatest

import (
	"os/exec"
	"testing"
)

// Tool runs one of Kafka's own command line tools by its class and gives what it printed:
// org.apache.kafka.tools.AclCommand is kafka-acls. It has its jars from Kafka 4 on.
func (c *Cluster) Tool(t testing.TB, class string, args ...string) string {
	t.Helper()
	jars, err := c.dist.classpath()
	if err != nil {
		t.Fatal(err)
	}
	line := append([]string{"-XX:TieredStopAtLevel=1", "-cp", jars, class}, args...)
	out, err := exec.CommandContext(t.Context(), c.dist.java, line...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", class, args, err, out)
	}
	return string(out)
}
