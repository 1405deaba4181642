package main

import "gantry/api/lambda"

// section is a part of what happens to records.
type section struct {
	title string
	rows  []lambda.Behaviour
}

// dataPlane is written by hand: what happens to records is no list in the code. Each row
// names what AWS's Developer Guide has a page for.
var dataPlane = []section{
	{"The event", []lambda.Behaviour{
		row("shape", lambda.Same, "eventSource, eventSourceArn (MSK), bootstrapServers as one comma-separated text, records by topic-partition; held against AWS's documented sample"),
		row("eventSource", lambda.Same, "SelfManagedKafka; aws:kafka for a mapping whose cluster has an MSK ARN"),
		row("key, value", lambda.Same, "base64 of the bytes"),
		row("no key", lambda.Same, "the member is missing"),
		row("null value (tombstone)", lambda.Chosen, "the member is missing, as users of AWS report; an empty value is \"\""),
		row("headers", lambda.Same, "a list with one object for each header, bytes as signed numbers, [] when there are none"),
		row("null header value", lambda.Chosen, "[], like an empty one"),
		row("a header name that is not UTF-8", lambda.Chosen, "each byte that does not fit becomes U+FFFD"),
		row("timestampType", lambda.Same, "CREATE_TIME or LOG_APPEND_TIME"),
	}},
	{"Batches", []lambda.Behaviour{
		row("what closes a batch", lambda.Same, "BatchSize, 6 MB (6,291,456 bytes of the encoded event) or the window, whichever is first"),
		row("window", lambda.Same, "begins with the first record; 500 ms when it was never set, 0 takes what is there"),
		row("several partitions in one batch", lambda.Same, "each in offset order; a partition that fills a batch by itself goes alone"),
		row("several topics of one mapping", lambda.Beyond, "topics: in a file: one consumer group, one member, one mapping; each partition of each topic has its own order, retries and commits, and one event may carry partitions of several topics; Lambda's API keeps AWS's one topic for what it makes, and lists all under Topics"),
		row("several functions of one mapping", lambda.Beyond, "functions: in a file: one consumer group, each record to every function whose filters keep it, one commit behind what all have resolved; batches, order, retries and places of each function to itself ([guide](guide.md#one-service-becomes-several-functions))"),
		row("what AWS's API shows of it", lambda.Chosen, "FunctionArn and FilterCriteria of the first function; ListTags names all in gantry:functions, which can't be set; ListEventSourceMappings by FunctionName finds it by each"),
		row("UpdateEventSourceMapping of it", lambda.Chosen, "everything but FunctionName and FilterCriteria, which are refused by name: the file declares them"),
		row("answers in transactions and several functions", lambda.Chosen, "refused by name (output.transactional): a commit may not lie within an answer; plain output takes the answers of each"),
		row("batches in flight", lambda.Chosen, "one for each partition, so order is kept; AWS promises order and gives no number"),
		row("a record over 6 MB, with a destination", lambda.Same, "goes there with MaximumPayloadSizeExceeded, without an invocation"),
		row("a record over 6 MB, no destination", lambda.Chosen, "its partition stands still and the mapping says so; oversize: drop gives it up as AWS does"),
	}},
	{"Concurrency", []lambda.Behaviour{
		row("on-demand mode", lambda.Chosen, "as many invocations at once as partitions have work, up to 100 for HTTP and AWS, up to the function's processes (2 × cores unless set) for processes; AWS scales pollers over minutes"),
		row("ProvisionedPollerConfig", lambda.Chosen, "a limit: five invocations a poller, for each gantry process; the minimum is stored and shown"),
		row("reserved concurrency", lambda.Chosen, "enforced in each gantry process, over all mappings of the function and Invoke; not across processes"),
		row("throttling by the function", lambda.Chosen, "halves the mapping's concurrency, which grows again with successes; waits at least Retry-After, at most 30 s"),
	}},
	{"Positions and the consumer group", []lambda.Behaviour{
		row("consumer group id", lambda.Same, "the mapping's UUID unless given; gantry.NAME for a mapping of a file"),
		row("a group that has commits", lambda.Same, "goes on there, StartingPosition is ignored; apply says so"),
		row("StartingPosition", lambda.Chosen, "resolved to offsets at creation and committed before the first fetch, so a restart before the first batch skips nothing; AWS's LATEST may miss records at creation and update"),
		row("a partition added later", lambda.Chosen, "begins at its oldest record, also with LATEST; so does one without a commit where the group has commits for others"),
		row("offsets of an idle group expired", lambda.Chosen, "begins at the stored starting position again; nothing is skipped, records may be repeated"),
		row("records gone before they were read", lambda.Chosen, "retention, truncation or a recreated topic stop the partition and show what is missing, until gantry offsets accept-loss; no offset is ever reset by itself"),
		row("commits", lambda.Same, "after each settled batch, the next offset to read; filtered records with it"),
		row("other consumers in the group", lambda.Same, "share the partitions with gantry, which then sees a part of the topic"),
		row("membership", lambda.Chosen, "one static member for each process and mapping, cooperative-sticky; a process that was killed and is back within the session timeout takes its partitions up again without a rebalance"),
		row("isolation", lambda.Chosen, "read_committed; isolation: read_uncommitted changes it"),
		row("Queue mode (share groups)", lambda.NotYet, ""),
		row("schema registry", lambda.NotYet, ""),
	}},
	{"Filters", []lambda.Behaviour{
		row("what a pattern tests", lambda.Same, "value only; other fields are refused"),
		row("operators", lambda.Same, "equals, null, empty, prefix, suffix, equals-ignore-case, anything-but, numeric, exists, $or; compared with AWS's Event Ruler over a generated corpus"),
		row("wildcard, cidr, exactly, nested anything-but", lambda.Beyond, "Event Ruler has them, Lambda's table of operators does not"),
		row("a value whose format does not fit the pattern", lambda.Chosen, "is kept: AWS then tests other metadata, of which Kafka has none"),
		row("a tombstone", lambda.Chosen, "is kept"),
		row("a value too deep or with too many combinations to test", lambda.Chosen, "is kept"),
		row("a changed filter", lambda.Chosen, "in force for the next poll; AWS takes up to 15 minutes"),
	}},
	{"Failures", []lambda.Behaviour{
		row("error controls without provisioned mode", lambda.Beyond, "attempts, age, bisect, partial responses and Kafka destinations need no ProvisionedPollerConfig"),
		row("endless retries", lambda.Same, "the default: the partition waits for its function"),
		row("endless retries with a destination", lambda.Same, "ten retries, then the destination"),
		row("what spends an attempt", lambda.Chosen, "a function that failed, timed out or crashed, and an invocation without an answer (it may have run); throttles, refused connections, service errors and wrong configuration spend none"),
		row("backoff", lambda.Chosen, "exponential from 100 ms to 30 s with full jitter; AWS publishes no numbers"),
		row("a failed batch of several partitions", lambda.Chosen, "each partition's records are retried alone, so one does not hold another"),
		row("BisectBatchOnFunctionError", lambda.Chosen, "cut by partition, then by half, halves in order; cutting spends no attempt"),
		row("MaximumRecordAgeInSeconds", lambda.Chosen, "the record's timestamp against now, before each invocation, record by record; records over it are given up as EventAgeExceeded"),
		row("partial batch response", lambda.Same, "itemIdentifier is {partition, offset}; null and empty JSON are success; an identifier that was not in the event fails the whole batch"),
		row("records a partial response names", lambda.Chosen, "sent again alone and in order; the offset stays before the first of them until it is resolved"),
		row("an invocation by mistake of configuration", lambda.Chosen, "AWS 400, 402, 403, 404, 409, 415, behind HTTP 3xx, 401, 403, 404: the partition waits, LastProcessingResult says so, tried again up to every 30 s"),
	}},
	{"Destinations", []lambda.Behaviour{
		row("kafka://TOPIC", lambda.Same, "one message for each record with its key; the value is AWS's document with the record as payload"),
		row("condition on a topic", lambda.Same, "RetriesExhausted, MaximumPayloadSizeExceeded"),
		row("condition of a record that is too old", lambda.Chosen, "EventAgeExceeded"),
		row("condition of a record that its owner skipped", lambda.Beyond, "Skipped; the header gantry-skipped-by says who and why"),
		row("responseContext", lambda.Chosen, "null where there was no invocation"),
		row("approximateInvokeCount", lambda.Chosen, "the real count, 0 allowed"),
		row("eventSourceArn", lambda.Chosen, "left out for a self-managed cluster"),
		row("gantry's own facts", lambda.Beyond, "headers gantry-… with mapping, position, attempts, error and the log's tail, beside the record's own headers"),
		row("a document over the topic's limit", lambda.Chosen, "the record is written raw, the document without payload in a header"),
		row("a destination that is the source topic", lambda.Same, "refused; a topic has to exist already and is on the source's cluster"),
		row("a destination that fails", lambda.Chosen, "tried for ever, the partition waits; onDestinationFailure: drop gives the records up as AWS does"),
		row("SQS, SNS (arn:)", lambda.Same, "one document for each piece that is given up, positions only; FIFO is refused"),
		row("S3 (arn:aws:s3:::BUCKET)", lambda.Same, "the same document with the event as text in payload"),
		row("the name of an object in S3", lambda.Chosen, "aws/lambda/UUID/TOPIC-PARTITION/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID, as AWS names them for streams; a delivery that is tried again writes the same object"),
		row("gantry's own facts in AWS", lambda.Beyond, "message attributes and object metadata gantry-mapping, gantry-offsets (which of the offsets between first and last), gantry-error; the documents are AWS's"),
		row("whose permissions write to AWS", lambda.Chosen, "those of aws: in the configuration, not the function's role; gantry iam MAPPING lists them"),
		row("redrive", lambda.Beyond, "gantry deadletters redrive, to the function, to a topic or to a file ([dead letters](dead-letters.md))"),
	}},
	{"Access", []lambda.Behaviour{
		row("BASIC_AUTH, SASL_SCRAM_256_AUTH, SASL_SCRAM_512_AUTH", lambda.Same, "over TLS; secret {username, password}"),
		row("CLIENT_CERTIFICATE_TLS_AUTH, SERVER_ROOT_CA_CERTIFICATE", lambda.Same, "secret {certificate, privateKey, privateKeyPassword} and {certificate}; PBES1 and PBES2 keys"),
		row("OAUTHBEARER_AUTH", lambda.Same, "AWS's secret; its fields decide the grant; OAUTHBEARER_SCOPE and _AUDIENCE go to the token endpoint, _LOGICAL_CLUSTER and _IDENTITY_POOL to the broker, as logicalCluster and identityPoolId"),
		row("OAUTHBEARER_AUTH, JWT bearer grant", lambda.Chosen, "oauthClientEmail is issuer and subject of the assertion, the token endpoint its audience; oauthTokenExpirationSeconds is 300 when it is not given"),
		row("IAM_AUTH", lambda.Chosen, "signed with the credentials of aws: in the configuration, not with the function's role; sent as MSK's OAUTHBEARER token"),
		row("IAM_OAUTHBEARER_AUTH", lambda.Chosen, "a token of sts:GetWebIdentityToken for the identity of aws: in the configuration"),
		row("Kerberos", lambda.Beyond, "sasl: {mechanism: GSSAPI} of an entry in clusters:"),
		row("where secrets are", lambda.Beyond, "AWS Secrets Manager, env:NAME, file:PATH, or a folder, by rules in secrets:"),
		row("rotation", lambda.Chosen, "read again after five minutes, and at once after a refused login"),
		row("SASL without TLS", lambda.Same, "never: a login given with the mapping means TLS"),
		row("which listener of an MSK cluster", lambda.Chosen, "the one whose brokers and access the entry in clusters: gives; AWS picks by an order of its own"),
		row("permissions on the cluster", lambda.Chosen, "gantry acls prints the least a mapping needs, which is less than AWS lists"),
		row("versions of Kafka", lambda.Chosen, "3.6, 3.9 and 4.3 are tested; AWS names 0.10.1 as the oldest"),
		row("no SourceAccessConfigurations", lambda.Chosen, "plaintext to loopback only, or the access of the entry in clusters: with the same brokers"),
	}},
	{"Functions", []lambda.Behaviour{
		row("Runtime API", lambda.Same, "2018-06-01, for processes here: AWS's runtime clients run unchanged; without one a small bootstrap speaks it for Python, Node.js and Java"),
		row("environment variables", lambda.Chosen, "Lambda's, among them LAMBDA_TASK_ROOT (the folder the code is in, not /var/task), region, _HANDLER, AWS_LAMBDA_FUNCTION_*, AWS_EXECUTION_ENV (unset for custom runtimes) and TZ=UTC; reserved names are refused, all of a function together have at most 4 KB"),
		row("AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL", lambda.NotYet, "not set: logs are text"),
		row("init phase", lambda.Same, "10 s; one that runs over is repeated once under the function's timeout"),
		row("timeout", lambda.Same, "at most 14 minutes behind a mapping; over it the process is ended (Sandbox.Timedout) and the next event gets another"),
		row("a crash", lambda.Same, "Runtime.ExitError, Runtime.OutOfMemory, Runtime.InvalidEntrypoint and the other error documents as Lambda writes them; the next event gets another process"),
		row("temp folder", lambda.Chosen, "TMPDIR and HOME are a folder of the process, removed with it; Lambda keeps /tmp through a reset"),
		row("an event or answer over the limit", lambda.Same, "6,291,456 bytes of event; an answer over 6,291,556 bytes is the error Function.ResponseSizeTooLarge"),
		row("no answer at all", lambda.Same, "null"),
		row("SIGTERM", lambda.Same, "500 ms before SIGKILL, for processes that registered an extension"),
		row("extensions", lambda.NotYet, "a runtime may register one without events, which is how it asks for SIGTERM; external ones, and events, are refused"),
		row("streamed answers, SnapStart, several events at once in a process", lambda.NotYet, "a streamed answer is taken when it has ended; an error in its trailers is the function's"),
		row("log", lambda.Same, "START, END and REPORT around each invocation, kept for each function (gantry logs)"),
		row("memory", lambda.Chosen, "held by the kernel where control groups can be made, else watched ([platforms](platforms.md)); over it the process is killed"),
		row("credentials from the role", lambda.Chosen, "what roles: in the configuration says of its ARN, as AWS's variables, renewed; without an entry none, and gantry's own are never passed down ([AWS](aws.md))"),
		row("isolation", lambda.Chosen, "a process with a clean environment and no inherited descriptors, of gantry's user or one of its own ([isolation](isolation.md)); no sandbox"),
		row("versions, aliases, layers, images, VpcConfig", lambda.NotYet, ""),
	}},
	{"Terraform", []lambda.Behaviour{
		row("aws_lambda_function, aws_lambda_permission, aws_lambda_event_source_mapping (self-managed and MSK), aws_lambda_function_event_invoke_config", lambda.Same,
			"recorded: the AWS provider itself, version 5.46.0 under OpenTofu 1.11.14, created, changed, emptied, switched off and destroyed them; each plan in between was empty, so was one after a restart of gantry. "+
				"Its 242 requests are replayed, and each answer is the recorded one in every member ([how](decisions/2026-12-01-recorded-terraform.md)). What later versions ask beyond that (tags of mappings, "+
				"runtime management, members that are new) is tested from their source"),
		row("a principal that is an account id", lambda.Same, "shown as the account's root ARN, as AWS shows it; the provider then replaces the permission with every plan, on AWS as well. Write the ARN"),
		row("destination_arn", lambda.Same, "the recorded version takes ARNs alone (an SQS queue, an SNS topic, an S3 bucket), those of 2026 kafka://TOPIC as well"),
		row("publish = true, aws_lambda_alias, aws_lambda_layer_version", lambda.NotYet, "versions, aliases and layers are refused"),
	}},
	{"Metrics", []lambda.Behaviour{
		row("metrics of functions and mappings", lambda.Chosen, "at /metrics in Prometheus's form, AWS's names translated (PolledEventCount is gantry_polled_events_total; each of AWS's has its line in metrics.md: a family, or why there is none; SchemaRegistryErrorCount counts schemas on the way out, as SchemaRegistryConfig is not taken yet); there is nothing to switch on"),
	}},
}

func row(subject string, standing lambda.Standing, note string) lambda.Behaviour {
	return lambda.Behaviour{Subject: subject, Standing: standing, Note: note}
}
