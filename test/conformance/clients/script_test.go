package clients

// step is one call and what must come of it. Texts like ${uuid} are replaced by what
// earlier steps kept.
type step struct {
	name      string
	operation string
	input     map[string]any
	want      map[string]any // members the answer must have, dotted; nil = must be absent
	fails     string         // the exception; then says is a part of its message
	status    int            // of the exception, where the client tells it
	says      string
	keep      map[string]string // member → name
	fetch     string            // member that is a URL of the function's zip
	recent    string            // member that is a time of the last minute
	untyped   bool              // left out for the CLI, which takes a second a call; changes nothing
}

type object = map[string]any

type list = []any

func source(topic string, more object) object {
	in := object{
		"FunctionName": "orders", "Topics": list{topic}, "StartingPosition": "TRIM_HORIZON",
		"SelfManagedEventSource": object{"Endpoints": object{"KAFKA_BOOTSTRAP_SERVERS": list{"localhost:9092"}}},
	}
	for name, value := range more {
		in[name] = value
	}
	return in
}

func newFunction(name string, more object) object {
	in := object{
		"FunctionName": name, "Runtime": "python3.12", "Handler": "app.handler",
		"Role": "arn:aws:iam::000000000000:role/orders", "Code": object{"ZipFile": "${zip1}"},
	}
	for name, value := range more {
		in[name] = value
	}
	return in
}

const functionARN = "arn:aws:lambda:eu-west-1:000000000000:function:orders"

var functionSteps = []step{
	{name: "create", operation: "CreateFunction",
		input: newFunction("orders", object{"Timeout": 10, "Environment": object{"Variables": object{"STAGE": "test"}}, "Tags": object{"team": "orders"},
			"Architectures": list{"x86_64"}, "PackageType": "Zip", "TracingConfig": object{"Mode": "PassThrough"}, "EphemeralStorage": object{"Size": 512}}),
		want: object{"FunctionArn": functionARN, "State": "Active", "LastUpdateStatus": "Successful", "Version": "$LATEST", "MemorySize": 128.0, "PackageType": "Zip",
			"Environment.Variables.STAGE": "test", "TracingConfig.Mode": "PassThrough", "EphemeralStorage.Size": 512.0},
		keep: map[string]string{"RevisionId": "revision"}},
	{name: "create again", operation: "CreateFunction", input: newFunction("orders", nil), fails: "ResourceConflictException", status: 409, says: "Function already exist: orders"},
	{name: "create with two faults", untyped: true, operation: "CreateFunction", input: newFunction("other", object{"Timeout": 901, "MemorySize": 20000}),
		fails: "ValidationException", status: 400, says: "2 validation errors detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900; Value '20000' at 'memorySize'"},
	{name: "create with layers", untyped: true, operation: "CreateFunction", input: newFunction("other", object{"Layers": list{"arn:aws:lambda:eu-west-1:000000000000:layer:l:1"}}),
		fails: "InvalidParameterValueException", status: 400, says: "Layers is not supported"},
	{name: "get", operation: "GetFunction", input: object{"FunctionName": "orders"}, fetch: "Code.Location",
		want: object{"Configuration.FunctionName": "orders", "Tags.team": "orders", "Concurrency": nil}},
	{name: "get by ARN", operation: "GetFunctionConfiguration", input: object{"FunctionName": functionARN + ":$LATEST"}, want: object{"FunctionArn": functionARN + ":$LATEST"}},
	{name: "get another", untyped: true, operation: "GetFunction", input: object{"FunctionName": "nobody"}, fails: "ResourceNotFoundException", status: 404, says: "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:nobody"},
	{name: "update the configuration", operation: "UpdateFunctionConfiguration", input: object{"FunctionName": "orders", "Timeout": 20, "RevisionId": "${revision}"},
		want: object{"Timeout": 20.0, "Environment.Variables.STAGE": "test"}},
	{name: "update an old revision", untyped: true, operation: "UpdateFunctionConfiguration", input: object{"FunctionName": "orders", "Timeout": 30, "RevisionId": "${revision}"},
		fails: "PreconditionFailedException", status: 412},
	{name: "update the code", operation: "UpdateFunctionCode", input: object{"FunctionName": "orders", "ZipFile": "${zip2}"}, want: object{"Timeout": 20.0}},
	{name: "update with a zip that breaks out", operation: "UpdateFunctionCode", input: object{"FunctionName": "orders", "ZipFile": "${evil}"}, fails: "InvalidParameterValueException", says: "the path leads out of the package"},
	{name: "list", operation: "ListFunctions", input: object{}, want: object{"Functions.0.FunctionName": "orders", "Functions.1": nil, "NextMarker": nil}},
	{name: "list versions", untyped: true, operation: "ListVersionsByFunction", input: object{"FunctionName": "orders"}, want: object{"Versions.0.Version": "$LATEST", "Versions.1": nil}},
	{name: "code signing", untyped: true, operation: "GetFunctionCodeSigningConfig", input: object{"FunctionName": "orders"}, want: object{"FunctionName": "orders"}},
	{name: "invoke", operation: "Invoke", input: object{"FunctionName": "orders", "LogType": "Tail", "Payload": "eyJhIjoxfQ=="},
		want: object{"StatusCode": 200.0, "Payload": "eyJhIjoxfQ==", "LogResult": "U1RBUlQKRU5ECg==", "ExecutedVersion": "$LATEST", "FunctionError": nil}},
	{name: "invoke, failing", operation: "Invoke", input: object{"FunctionName": "orders:$LATEST", "Payload": "ImZhaWwi"}, want: object{"StatusCode": 200.0, "FunctionError": "Unhandled"}},
	{name: "invoke, dry", untyped: true, operation: "Invoke", input: object{"FunctionName": "orders", "InvocationType": "DryRun"}, want: object{"StatusCode": 204.0}},
	{name: "invoke, asynchronously", operation: "Invoke", input: object{"FunctionName": "orders", "InvocationType": "Event", "Payload": "eyJhIjoxfQ=="},
		want: object{"StatusCode": 202.0, "FunctionError": nil}},
	{name: "invoke, asynchronously, too many", untyped: true, operation: "Invoke", input: object{"FunctionName": "orders", "InvocationType": "Event", "Payload": "ImZ1bGwi"},
		fails: "TooManyRequestsException", status: 429, says: "too many events wait"},
	{name: "say what becomes of events", operation: "PutFunctionEventInvokeConfig",
		input: object{"FunctionName": "orders", "MaximumRetryAttempts": 0, "DestinationConfig": object{"OnFailure": object{"Destination": "kafka://onprem/events"}}},
		want: object{"FunctionArn": functionARN + ":$LATEST", "MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 21600.0,
			"DestinationConfig.OnFailure.Destination": "kafka://onprem/events"}, recent: "LastModified"},
	{name: "say more", operation: "UpdateFunctionEventInvokeConfig", input: object{"FunctionName": "orders", "MaximumEventAgeInSeconds": 60},
		want: object{"MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 60.0}},
	{name: "what becomes of events", operation: "GetFunctionEventInvokeConfig", input: object{"FunctionName": "orders", "Qualifier": "$LATEST"}, want: object{"MaximumEventAgeInSeconds": 60.0}},
	{name: "of all versions", untyped: true, operation: "ListFunctionEventInvokeConfigs", input: object{"FunctionName": "orders"},
		want: object{"FunctionEventInvokeConfigs.0.MaximumRetryAttempts": 0.0, "FunctionEventInvokeConfigs.1": nil}},
	{name: "leave it to the defaults", operation: "DeleteFunctionEventInvokeConfig", input: object{"FunctionName": "orders"}},
	{name: "nothing is said of events", untyped: true, operation: "GetFunctionEventInvokeConfig", input: object{"FunctionName": "orders"}, fails: "ResourceNotFoundException", status: 404,
		says: "doesn't have an EventInvokeConfig"},
	{name: "reserve nothing", operation: "PutFunctionConcurrency", input: object{"FunctionName": "orders", "ReservedConcurrentExecutions": 0}, want: object{"ReservedConcurrentExecutions": 0.0}},
	{name: "invoke, throttled", operation: "Invoke", input: object{"FunctionName": "orders"}, fails: "TooManyRequestsException", status: 429, says: "Rate Exceeded."},
	{name: "reservation", operation: "GetFunctionConcurrency", input: object{"FunctionName": "orders"}, want: object{"ReservedConcurrentExecutions": 0.0}},
	{name: "reserve no more", operation: "DeleteFunctionConcurrency", input: object{"FunctionName": "orders"}},
	{name: "no reservation", operation: "GetFunctionConcurrency", input: object{"FunctionName": "orders"}, want: object{"ReservedConcurrentExecutions": nil}},
	{name: "tag the function", operation: "TagResource", input: object{"Resource": functionARN, "Tags": object{"stage": "test"}}},
	{name: "its tags", operation: "ListTags", input: object{"Resource": functionARN}, want: object{"Tags.stage": "test", "Tags.team": "orders"}},
}

var mappingSteps = []step{
	{name: "map, everything given", operation: "CreateEventSourceMapping", input: source("orders", object{
		"BatchSize": 500, "MaximumBatchingWindowInSeconds": 0, "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 3600,
		"FunctionResponseTypes": list{"ReportBatchItemFailures"}, "FilterCriteria": object{"Filters": list{object{"Pattern": `{"value":{"total":[{"numeric":[">",100]}]}}`}}},
		"DestinationConfig": object{"OnFailure": object{"Destination": "kafka://orders.dead"}}, "ProvisionedPollerConfig": object{"MinimumPollers": 1, "MaximumPollers": 4},
		"SelfManagedKafkaEventSourceConfig": object{"ConsumerGroupId": "orders-group"}, "Tags": object{"team": "orders"},
		"SourceAccessConfigurations": list{object{"Type": "SASL_SCRAM_512_AUTH", "URI": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:kafka"}}}),
		want: object{"State": "Creating", "FunctionArn": functionARN, "BatchSize": 500.0, "MaximumBatchingWindowInSeconds": 0.0, "MaximumRetryAttempts": 3.0,
			"FunctionResponseTypes.0": "ReportBatchItemFailures", "DestinationConfig.OnFailure.Destination": "kafka://orders.dead", "ProvisionedPollerConfig.MaximumPollers": 4.0,
			"SelfManagedKafkaEventSourceConfig.ConsumerGroupId": "orders-group", "SelfManagedEventSource.Endpoints.KAFKA_BOOTSTRAP_SERVERS.0": "localhost:9092",
			"SourceAccessConfigurations.0.Type": "SASL_SCRAM_512_AUTH", "LastProcessingResult": "No records processed", "StateTransitionReason": "USER_INITIATED"},
		keep: map[string]string{"UUID": "uuid", "EventSourceMappingArn": "arn"}, recent: "LastModified"},
	{name: "being created", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Creating"}},
	{name: "created", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Enabled", "LastProcessingResult": "OK"}, recent: "LastModified"},
	{name: "map again", operation: "CreateEventSourceMapping", input: source("orders", nil), fails: "ResourceConflictException", status: 409, says: "already exists. Please update or delete the existing mapping with UUID ${uuid}"},
	{name: "map with the group of another", untyped: true, operation: "CreateEventSourceMapping", input: source("payments", object{"SelfManagedKafkaEventSourceConfig": object{"ConsumerGroupId": "orders-group"}}),
		fails: "ResourceConflictException", says: "orders-group"},
	{name: "map to nobody", operation: "CreateEventSourceMapping", input: source("payments", object{"FunctionName": "nobody"}), fails: "InvalidParameterValueException", status: 400, says: "Function does not exist"},
	{name: "map with a KMS key", untyped: true, operation: "CreateEventSourceMapping", input: source("payments", object{"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111"}),
		fails: "InvalidParameterValueException", says: "KMSKeyArn is not supported"},
	{name: "map with numbers out of range", untyped: true, operation: "CreateEventSourceMapping", input: source("payments", object{"BatchSize": 10001, "MaximumBatchingWindowInSeconds": 301}),
		fails: "ValidationException", says: "2 validation errors detected"},
	{name: "map from a time on, off", operation: "CreateEventSourceMapping", input: source("payments", object{"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": "2026-01-01T00:00:00Z", "Enabled": false}),
		want: object{"State": "Creating", "MaximumBatchingWindowInSeconds": nil, "ProvisionedPollerConfig": nil}, keep: map[string]string{"UUID": "second"}},
	{name: "update", operation: "UpdateEventSourceMapping", input: object{"UUID": "${uuid}", "BatchSize": 50, "ProvisionedPollerConfig": object{}, "FilterCriteria": object{}},
		want: object{"State": "Updating", "BatchSize": 50.0, "ProvisionedPollerConfig": nil, "FilterCriteria": nil}},
	{name: "update while updating", operation: "UpdateEventSourceMapping", input: object{"UUID": "${uuid}", "BatchSize": 60}, fails: "ResourceInUseException", status: 400, says: "is Updating"},
	{name: "switch off", operation: "UpdateEventSourceMapping", input: object{"UUID": "${uuid}", "Enabled": false}, want: object{"State": "Disabling", "BatchSize": 50.0}},
	{name: "going off", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Disabling"}},
	{name: "off", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Disabled"}},
	{name: "list", operation: "ListEventSourceMappings", input: object{"FunctionName": "orders"}, want: object{"EventSourceMappings.1.FunctionArn": functionARN, "EventSourceMappings.2": nil, "NextMarker": nil}},
	{name: "list of nobody", untyped: true, operation: "ListEventSourceMappings", input: object{"FunctionName": "nobody"}, want: object{"EventSourceMappings.0": nil}},
	{name: "tag", operation: "TagResource", input: object{"Resource": "${arn}", "Tags": object{"stage": "test"}}},
	{name: "an option that is not known", untyped: true, operation: "TagResource", input: object{"Resource": "${arn}", "Tags": object{"gantry:unknown": "1"}}, fails: "InvalidParameterValueException", says: "gantry:unknown"},
	{name: "options as tags", operation: "TagResource", input: object{"Resource": "${arn}", "Tags": object{"gantry:lanes.perPartition": "16", "gantry:lanes.order": "key"}}},
	{name: "an option with a bad value", operation: "TagResource", input: object{"Resource": "${arn}", "Tags": object{"gantry:lanes.perPartition": "1000"}}, fails: "InvalidParameterValueException", status: 400, says: "gantry:lanes.perPartition"},
	{name: "untag an option that another needs", operation: "UntagResource", input: object{"Resource": "${arn}", "TagKeys": list{"gantry:lanes.perPartition"}}, fails: "InvalidParameterValueException", status: 400, says: "lanes.perPartition"},
	{name: "untag what is no option", operation: "UntagResource", input: object{"Resource": "${arn}", "TagKeys": list{"gantry:unknown"}}, fails: "InvalidParameterValueException", status: 400, says: "gantry:unknown"},
	{name: "options are tags", operation: "ListTags", input: object{"Resource": "${arn}"}, want: object{"Tags.stage": "test"}},
	{name: "untag options", operation: "UntagResource", input: object{"Resource": "${arn}", "TagKeys": list{"gantry:lanes.perPartition", "gantry:lanes.order"}}},
	{name: "untag", operation: "UntagResource", input: object{"Resource": "${arn}", "TagKeys": list{"team"}}},
	{name: "tags", operation: "ListTags", input: object{"Resource": "${arn}"}, want: object{"Tags.stage": "test", "Tags.team": nil}},
	{name: "tagged is updated", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Updating"}},
	{name: "delete", operation: "DeleteEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Deleting", "UUID": "${uuid}"}},
	{name: "being deleted", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, want: object{"State": "Deleting"}},
	{name: "deleted", operation: "GetEventSourceMapping", input: object{"UUID": "${uuid}"}, fails: "ResourceNotFoundException", status: 404, says: "The resource you requested does not exist."},
	{name: "delete the function", operation: "DeleteFunction", input: object{"FunctionName": "orders"}},
	{name: "its mapping stays", operation: "GetEventSourceMapping", input: object{"UUID": "${second}"}, want: object{"FunctionArn": functionARN, "State": "Disabled"}},
	{name: "delete it again", untyped: true, operation: "DeleteFunction", input: object{"FunctionName": "orders"}, fails: "ResourceNotFoundException", status: 404},
}
