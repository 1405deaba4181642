package lambda

import "slices"

// The members a mapping is created and updated with, apart from those of its source.
var optionMembers = []Member{
	{Name: "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig", Standing: NotYet},
	{Name: "BatchSize", Standing: Same},
	{Name: "BisectBatchOnFunctionError", Standing: Same, Note: "without a price gate: provisioned mode is not needed"},
	{Name: "DestinationConfig.OnFailure.Destination", Standing: Same, Note: "kafka://TOPIC, or the ARN of an SQS queue, an SNS topic or an S3 bucket"},
	{Name: "DestinationConfig.OnSuccess", Standing: Same, Note: "refused, as AWS refuses it for event source mappings"},
	{Name: "DocumentDBEventSourceConfig", Standing: NotKafka},
	{Name: "Enabled", Standing: Same},
	{Name: "FilterCriteria.Filters", Standing: Same, Note: "ten filters, AWS's limit on request"},
	{Name: "FunctionName", Standing: Same, Note: "qualifiers other than $LATEST are refused for now"},
	{Name: "FunctionResponseTypes", Standing: Same},
	{Name: "KMSKeyArn", Standing: NotYet},
	{Name: "LoggingConfig.SystemLogLevel", Standing: Same, Note: "without a price gate; the documents stand in the function's log (gantry logs), in AWS's shapes without networkConfig"},
	{Name: "MaximumBatchingWindowInSeconds", Standing: Same, Note: "not shown while it was never set"},
	{Name: "MaximumRecordAgeInSeconds", Standing: Same},
	{Name: "MaximumRetryAttempts", Standing: Same},
	{Name: "MetricsConfig.Metrics", Standing: Chosen, Note: "stored and shown; every metric is at /metrics whatever it says"},
	{Name: "ParallelizationFactor", Standing: NotKafka},
	{Name: "ProvisionedPollerConfig.MaximumPollers", Standing: Same, Note: "limits invocations in flight to five a poller, for each gantry process"},
	{Name: "ProvisionedPollerConfig.MinimumPollers", Standing: Chosen, Note: "stored and shown; pollers take milliseconds to add, so none is kept in reserve"},
	{Name: "ProvisionedPollerConfig.PollerGroupName", Standing: NotYet},
	{Name: "ScalingConfig", Standing: NotKafka},
	{Name: "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig", Standing: NotYet},
	{Name: "SourceAccessConfigurations", Standing: Same, Note: "VPC_SUBNET and VPC_SECURITY_GROUP name entries of networks: in the configuration"},
	{Name: "TumblingWindowInSeconds", Standing: NotKafka, Accepts: []string{"0"}},
}

var mappingMembers = []Operation{
	{Name: "CreateEventSourceMapping", Members: slices.Concat(optionMembers, []Member{
		{Name: "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId", Standing: Same, Note: "a group id that another mapping uses is a ResourceConflictException"},
		{Name: "EventSourceArn", Standing: Same, Note: "an MSK cluster ARN has to be a name in clusters:"},
		{Name: "Queues", Standing: NotKafka},
		{Name: "SelfManagedEventSource.Endpoints", Standing: Same},
		{Name: "SelfManagedKafkaEventSourceConfig.ConsumerGroupId", Standing: Same, Note: "a group id that another mapping uses is a ResourceConflictException"},
		{Name: "SelfManagedKafkaEventSourceConfig.ConsumptionMode", Standing: NotYet, Note: "only Stream", Accepts: []string{`"Stream"`}},
		{Name: "StartingPosition", Standing: Chosen, Note: "resolved once, at creation: a cluster that can't be reached or refuses fails the creation with its diagnosis, and nothing is stored"},
		{Name: "StartingPositionTimestamp", Standing: Same},
		{Name: "Tags", Standing: Same, Note: "keys beginning with gantry: are options of gantry, unknown ones are refused"},
		{Name: "Topics", Standing: Same},
	})},
	{Name: "UpdateEventSourceMapping", Members: slices.Concat(optionMembers, []Member{
		{Name: "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId", Standing: Same, Note: "fixed after creation; the current value is accepted"},
		{Name: "SelfManagedKafkaEventSourceConfig.ConsumerGroupId", Standing: Same, Note: "fixed after creation; the current value is accepted"},
		{Name: "SelfManagedKafkaEventSourceConfig.ConsumptionMode", Standing: NotYet, Note: "only Stream", Accepts: []string{`"Stream"`}},
		{Name: "UUID", Standing: Same},
	})},
	{Name: "GetEventSourceMapping", Members: []Member{{Name: "UUID", Standing: Same}}},
	{Name: "DeleteEventSourceMapping", Members: []Member{{Name: "UUID", Standing: Same}}},
	{Name: "ListEventSourceMappings", Members: []Member{
		{Name: "EventSourceArn", Standing: Same}, {Name: "FunctionName", Standing: Chosen, Note: "a function that does not exist gives what mappings it still has"},
		{Name: "Marker", Standing: Same}, {Name: "MaxItems", Standing: Same, Note: "never more than 100 an answer"},
	}},
	{Name: "TagResource", Members: []Member{{Name: "Resource", Standing: Same, Note: "functions and event source mappings"}, {Name: "Tags", Standing: Same}}},
	{Name: "UntagResource", Members: []Member{{Name: "Resource", Standing: Same}, {Name: "TagKeys", Standing: Same}}},
	{Name: "ListTags", Members: []Member{{Name: "Resource", Standing: Same}}},
}
