package kafka

// What becomes of every setting of Kafka's consumers, producers and admin clients (3.6 to
// 4.3) that says nothing of how to reach a cluster and as whom. A test asks Kafka itself
// for all their names.

// ignoredSettings are harmless: gantry has its own way, told here.
func ignoredSettings() map[string]string {
	all := map[string]string{}
	for why, keys := range map[string][]string{
		"a mapping has its own group and its own error controls: consumerGroupId, startingPosition, batchSize": {
			"group.id", "group.instance.id", "group.protocol", "group.remote.assignor", "auto.offset.reset", "enable.auto.commit",
			"auto.commit.interval.ms", "max.poll.records", "max.poll.interval.ms", "session.timeout.ms", "heartbeat.interval.ms",
			"partition.assignment.strategy", "internal.leave.group.on.close", "internal.throw.on.fetch.stable.offset.unsupported",
			"share.acknowledgement.mode", "share.acquire.mode", "exclude.internal.topics",
		},
		"a mapping reads committed records; gantry decides how much it fetches": {
			"isolation.level", "fetch.min.bytes", "fetch.max.bytes", "fetch.max.wait.ms", "max.partition.fetch.bytes", "check.crcs", "client.rack",
			"allow.auto.create.topics",
		},
		"records reach functions as bytes, as AWS's event has them": {"key.deserializer", "value.deserializer", "key.serializer", "value.serializer"},
		"gantry writes dead letters alone, acknowledged by all replicas, and decides how": {
			"acks", "batch.size", "buffer.memory", "linger.ms", "compression.type", "compression.gzip.level", "compression.lz4.level",
			"compression.zstd.level", "delivery.timeout.ms", "enable.idempotence", "max.block.ms", "max.in.flight.requests.per.connection",
			"max.request.size", "metadata.max.idle.ms", "partitioner.class", "partitioner.adaptive.partitioning.enable",
			"partitioner.availability.timeout.ms", "partitioner.ignore.keys", "retries", "transaction.timeout.ms",
			"transaction.two.phase.commit.enable", "transactional.id",
		},
		"gantry has timeouts, retries and buffers of its own": {
			"connections.max.idle.ms", "default.api.timeout.ms", "metadata.max.age.ms", "metadata.recovery.rebootstrap.trigger.ms",
			"metadata.recovery.strategy", "receive.buffer.bytes", "send.buffer.bytes", "reconnect.backoff.max.ms", "reconnect.backoff.ms",
			"request.timeout.ms", "retry.backoff.max.ms", "retry.backoff.ms", "socket.connection.setup.timeout.max.ms",
			"socket.connection.setup.timeout.ms",
		},
		"gantry has metrics of its own": {
			"auto.include.jmx.reporter", "enable.metrics.push", "metric.reporters", "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms",
		},
		"gantry renews a login by itself, before it ends": {
			"sasl.kerberos.kinit.cmd", "sasl.kerberos.min.time.before.relogin", "sasl.kerberos.ticket.renew.jitter",
			"sasl.kerberos.ticket.renew.window.factor", "sasl.login.connect.timeout.ms", "sasl.login.read.timeout.ms",
			"sasl.login.refresh.buffer.seconds", "sasl.login.refresh.min.period.seconds", "sasl.login.refresh.window.factor",
			"sasl.login.refresh.window.jitter", "sasl.login.retry.backoff.max.ms", "sasl.login.retry.backoff.ms",
		},
		"the broker judges the token, not who sends it": {
			"sasl.oauthbearer.clock.skew.seconds", "sasl.oauthbearer.expected.audience", "sasl.oauthbearer.expected.issuer",
			"sasl.oauthbearer.jwks.endpoint.refresh.ms", "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
			"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "sasl.oauthbearer.jwks.endpoint.url", "sasl.oauthbearer.jwt.validator.class",
			"sasl.oauthbearer.scope.claim.name", "sasl.oauthbearer.sub.claim.name",
		},
		"it chooses among parts of Java's TLS; gantry has Go's": {
			"ssl.keymanager.algorithm", "ssl.trustmanager.algorithm", "ssl.secure.random.implementation",
		},
	} {
		for _, key := range keys {
			all[key] = why
		}
	}
	return all
}

// ignoredPrefix are settings of things beside Kafka's clients.
type ignoredPrefix struct{ prefix, why string }

func ignoredPrefixes() []ignoredPrefix {
	const registry = "it belongs to a schema registry's client; records reach functions as bytes"
	return []ignoredPrefix{
		{"schema.registry.", registry}, {"basic.auth.", registry}, {"bearer.auth.", registry}, {"specific.avro.", registry},
		{"auto.register.schemas", registry}, {"use.latest.version", registry}, {"json.", registry},
		{"confluent.", "it belongs to Confluent's interceptors and tools"},
	}
}

// refusedSettings would change how a cluster is reached, and gantry can't do what they say.
func refusedSettings() map[string]string {
	const code = "Java code can't be loaded here; leave it out where the standard one will do"
	return map[string]string{
		"bootstrap.controllers":    "gantry connects to brokers; want bootstrap.servers",
		"interceptor.classes":      "interceptors are Java code that may change records; leave it out where they only report",
		"security.providers":       code,
		"ssl.engine.factory.class": code,
		"ssl.provider":             code,
		"sasl.login.class":         code,
	}
}

// connectionSettings are those that say how to reach a cluster and as whom.
func connectionSettings() []string {
	return []string{
		"bootstrap.servers", "client.id", "client.dns.lookup", "config.providers", "security.protocol",
		"sasl.client.callback.handler.class", "sasl.jaas.config", "sasl.kerberos.service.name", "sasl.login.callback.handler.class", "sasl.mechanism",
		"sasl.oauthbearer.assertion.algorithm", "sasl.oauthbearer.assertion.claim.aud", "sasl.oauthbearer.assertion.claim.exp.seconds",
		"sasl.oauthbearer.assertion.claim.iss", "sasl.oauthbearer.assertion.claim.jti.include", "sasl.oauthbearer.assertion.claim.nbf.seconds",
		"sasl.oauthbearer.assertion.claim.sub", "sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.private.key.file",
		"sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.assertion.template.file",
		"sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.header.urlencode",
		"sasl.oauthbearer.jwt.retriever.class", "sasl.oauthbearer.scope", "sasl.oauthbearer.token.endpoint.url",
		"ssl.cipher.suites", "ssl.enabled.protocols", "ssl.endpoint.identification.algorithm", "ssl.key.password",
		"ssl.keystore.certificate.chain", "ssl.keystore.key", "ssl.keystore.location", "ssl.keystore.password", "ssl.keystore.type",
		"ssl.protocol", "ssl.truststore.certificates", "ssl.truststore.location", "ssl.truststore.password", "ssl.truststore.type",
	}
}
