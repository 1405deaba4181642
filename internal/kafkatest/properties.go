package kafkatest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// properties is a Kafka configuration file.
type properties map[string]string

func (p properties) write(path string) error {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// serverProperties is the configuration of one broker: what makes a small cluster start
// and react quickly, its listeners, and what the test asked for last.
func (c *Cluster) serverProperties(b *broker) properties {
	p := properties{
		"process.roles":             "broker,controller",
		"node.id":                   strconv.Itoa(b.id),
		"log.dirs":                  b.dataDir(),
		"controller.listener.names": "CONTROLLER",
		"controller.quorum.voters":  c.voters(),
	}
	maps.Copy(p, smallAndQuick(len(c.brokers)))
	maps.Copy(p, b.listeners(c.options))
	maps.Copy(p, c.security())
	if strings.HasPrefix(c.dist.version, "4.") {
		p["group.consumer.min.heartbeat.interval.ms"] = "500"
		p["group.consumer.heartbeat.interval.ms"] = "500"
		p["group.consumer.min.session.timeout.ms"] = "1000"
	}
	if c.options.ACLs {
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:" + AdminName + ";User:ANONYMOUS"
	}
	maps.Copy(p, c.options.Properties)
	return p
}

func smallAndQuick(brokers int) properties {
	replicas := strconv.Itoa(min(3, brokers))
	inSync := strconv.Itoa(min(2, brokers))
	return properties{
		"default.replication.factor":                       replicas,
		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.num.partitions":             "4",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.num.partitions":     "4",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,
		"auto.create.topics.enable":                        "false",
		// Groups form at once and may be as short-lived as a test.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "500",
		// A broker killed and started again is refused as a duplicate until its old
		// session is over (default 9 s): below a test's patience, above a long pause on
		// a loaded machine.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// What the broker does in the background it looks after every second, so that
		// a test sets only the limit itself (retention.ms, offsets.retention.minutes).
		"log.initial.task.delay.ms":           "500",
		"log.retention.check.interval.ms":     "1000",
		"log.segment.delete.delay.ms":         "1000",
		"log.cleaner.backoff.ms":              "1000",
		"offsets.retention.check.interval.ms": "1000",
		// Threads and buffers for a handful of partitions: the cleaner's default alone
		// takes 128 MB of heap.
		"num.network.threads":               "2",
		"num.io.threads":                    "4",
		"background.threads":                "2",
		"num.recovery.threads.per.data.dir": "1",
		"log.cleaner.dedupe.buffer.size":    "4194304",
		"log.index.size.max.bytes":          "1048576",
	}
}

func (c *Cluster) security() properties {
	const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	plain := fmt.Sprintf("org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=\"%s\" user_%s=\"%s\";",
		UserName, UserPassword, AdminName, AdminPassword)
	return properties{
		"ssl.keystore.type":                                 "PEM",
		"ssl.keystore.location":                             c.TLS.serverFile,
		"ssl.truststore.type":                               "PEM",
		"ssl.truststore.location":                           c.TLS.trustFile,
		"sasl.enabled.mechanisms":                           "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
		"listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
		"listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
		"listener.name.sasl.plain.sasl.jaas.config":         plain,
		"listener.name.mtls.ssl.client.auth":                "required",
		"listener.name.mtls.ssl.principal.mapping.rules":    "RULE:^CN=([^,]+).*$/$1/",
	}
}

func (c *Cluster) voters() string {
	var all []string
	for _, b := range c.brokers {
		all = append(all, fmt.Sprintf("%d@127.0.0.1:%d", b.id, b.ports.controller))
	}
	return strings.Join(all, ",")
}
