package lambda

import "slices"

// The members a function's configuration is created and updated with.
var configurationMembers = []Member{
	{Name: "CapacityProviderConfig", Standing: NotYet},
	{Name: "DeadLetterConfig", Standing: NotYet},
	{Name: "Description", Standing: Same},
	{Name: "DurableConfig", Standing: NotYet},
	{Name: "Environment.Variables", Standing: Same, Note: "4 KB; reserved names are refused"},
	{Name: "EphemeralStorage.Size", Standing: NotYet, Note: "only AWS's default of 512", Accepts: []string{"512"}},
	{Name: "FileSystemConfigs", Standing: NotYet},
	{Name: "FunctionName", Standing: Same},
	{Name: "Handler", Standing: Same},
	{Name: "ImageConfig", Standing: NotYet},
	{Name: "KMSKeyArn", Standing: NotYet},
	{Name: "Layers", Standing: NotYet},
	{Name: "LoggingConfig.ApplicationLogLevel", Standing: NotYet},
	{Name: "LoggingConfig.LogFormat", Standing: NotYet, Note: "only AWS's default of Text", Accepts: []string{`"Text"`}},
	{Name: "LoggingConfig.LogGroup", Standing: Chosen, Note: "only AWS's default of /aws/lambda/NAME; another is refused"},
	{Name: "LoggingConfig.SystemLogLevel", Standing: NotYet},
	{Name: "MemorySize", Standing: Same, Note: "128 to 10,240 MB"},
	{Name: "Role", Standing: Chosen, Note: "required, checked and stored; roles: in the configuration says which credentials it grants"},
	{Name: "Runtime", Standing: Same, Note: "provided*, python3.*, nodejs* and java*; dotnet*, ruby*, go1.x and python2.7 are refused for now"},
	{Name: "SnapStart.ApplyOn", Standing: NotYet, Note: "only AWS's default of None", Accepts: []string{`"None"`}},
	{Name: "Timeout", Standing: Same, Note: "1 to 900 s; at most 840 s behind a mapping"},
	{Name: "TracingConfig.Mode", Standing: NotYet, Note: "only AWS's default of PassThrough", Accepts: []string{`"PassThrough"`}},
	{Name: "VpcConfig", Standing: NotYet},
}

// The members that say where code comes from, apart from the zip itself.
var codeMembers = []string{"ImageUri", "S3Bucket", "S3Key", "S3ObjectStorageMode", "S3ObjectVersion", "SourceKMSKeyArn"}

func codeSources(prefix string) []Member {
	members := []Member{{Name: prefix + "ZipFile", Standing: Same, Note: "50 MB zipped, 250 MB unzipped"}}
	for _, name := range codeMembers {
		members = append(members, Member{Name: prefix + name, Standing: NotYet})
	}
	return members
}

var oneFunction = []Member{{Name: "FunctionName", Standing: Same}}

var oneVersion = slices.Concat(oneFunction, []Member{
	{Name: "Qualifier", Standing: NotYet, Note: "only $LATEST", Accepts: []string{`"$LATEST"`}},
})

// policyMembers are stored and shown; nobody is let in or kept out by them.
var policyMembers = []Member{
	{Name: "Action", Standing: Chosen, Note: "checked, stored and shown; who may invoke is told by the roles of gantry's keys"},
	{Name: "EventSourceToken", Standing: Chosen, Note: "stored and shown"},
	{Name: "FunctionUrlAuthType", Standing: Chosen, Note: "stored and shown"},
	{Name: "InvokedViaFunctionUrl", Standing: Chosen, Note: "stored and shown"},
	{Name: "Principal", Standing: Chosen, Note: "stored and shown"},
	{Name: "PrincipalOrgID", Standing: Chosen, Note: "stored and shown"},
	{Name: "RevisionId", Standing: Same},
	{Name: "SourceAccount", Standing: Chosen, Note: "stored and shown"},
	{Name: "SourceArn", Standing: Chosen, Note: "stored and shown"},
	{Name: "StatementId", Standing: Same},
}

// eventInvokeMembers say what becomes of invocations that nobody waits for.
var eventInvokeMembers = []Member{
	{Name: "DestinationConfig.OnFailure.Destination", Standing: Chosen, Note: "kafka://CLUSTER/TOPIC, a cluster of the configuration; arn: destinations are refused for now"},
	{Name: "DestinationConfig.OnSuccess.Destination", Standing: Chosen, Note: "as OnFailure"},
	{Name: "MaximumEventAgeInSeconds", Standing: Same, Note: "60 to 21,600"},
	{Name: "MaximumRetryAttempts", Standing: Same, Note: "0 to 2"},
}

var functionMembers = []Operation{
	{Name: "CreateFunction", Members: slices.Concat(configurationMembers, codeSources("Code."), []Member{
		{Name: "Architectures", Standing: Chosen, Note: "stored and shown; processes run on the host's own architecture"},
		{Name: "CodeSigningConfigArn", Standing: NotYet},
		{Name: "PackageType", Standing: NotYet, Note: "only Zip", Accepts: []string{`"Zip"`}},
		{Name: "Publish", Standing: NotYet},
		{Name: "PublishTo", Standing: NotYet},
		{Name: "Tags", Standing: Same},
		{Name: "TenancyConfig", Standing: NotYet},
	})},
	{Name: "UpdateFunctionConfiguration", Members: slices.Concat(configurationMembers, []Member{
		{Name: "RevisionId", Standing: Same},
	})},
	{Name: "UpdateFunctionCode", Members: slices.Concat(oneFunction, codeSources(""), []Member{
		{Name: "Architectures", Standing: Chosen, Note: "stored and shown"},
		{Name: "DryRun", Standing: Same},
		{Name: "Publish", Standing: NotYet},
		{Name: "PublishTo", Standing: NotYet},
		{Name: "RevisionId", Standing: Same},
	})},
	{Name: "GetFunction", Members: oneVersion},
	{Name: "GetFunctionConfiguration", Members: oneVersion},
	{Name: "DeleteFunction", Members: slices.Concat(oneVersion, []Member{})},
	{Name: "ListFunctions", Members: []Member{
		{Name: "FunctionVersion", Standing: Same, Note: "ALL gives $LATEST only, there are no versions"},
		{Name: "Marker", Standing: Same},
		{Name: "MasterRegion", Standing: Chosen, Note: "ignored: there are no Lambda@Edge replicas"},
		{Name: "MaxItems", Standing: Same, Note: "never more than 50 an answer"},
	}},
	{Name: "ListVersionsByFunction", Members: slices.Concat(oneFunction, []Member{
		{Name: "Marker", Standing: Same}, {Name: "MaxItems", Standing: Same},
	})},
	{Name: "Invoke", Members: slices.Concat(oneVersion, []Member{
		{Name: "ClientContext", Standing: Same},
		{Name: "DurableExecutionName", Standing: NotYet},
		{Name: "InvocationType", Standing: Same, Note: "Event: 1 MB; accepted when it is on the disk, then invoked at least once"},
		{Name: "LogType", Standing: Same},
		{Name: "Payload", Standing: Same},
		{Name: "TenantId", Standing: NotYet},
	})},
	{Name: "PutFunctionEventInvokeConfig", Members: slices.Concat(oneVersion, eventInvokeMembers)},
	{Name: "UpdateFunctionEventInvokeConfig", Members: slices.Concat(oneVersion, eventInvokeMembers)},
	{Name: "GetFunctionEventInvokeConfig", Members: oneVersion},
	{Name: "DeleteFunctionEventInvokeConfig", Members: oneVersion},
	{Name: "ListFunctionEventInvokeConfigs", Members: slices.Concat(oneFunction, []Member{
		{Name: "Marker", Standing: Chosen, Note: "ignored: there is at most one"},
		{Name: "MaxItems", Standing: Chosen, Note: "ignored: there is at most one"},
	})},
	{Name: "PutFunctionConcurrency", Members: slices.Concat(oneFunction, []Member{
		{Name: "ReservedConcurrentExecutions", Standing: Chosen, Note: "enforced in each gantry process; there is no account pool to reserve from"},
	})},
	{Name: "GetFunctionConcurrency", Members: oneFunction},
	{Name: "DeleteFunctionConcurrency", Members: oneFunction},
	{Name: "GetFunctionCodeSigningConfig", Members: oneFunction},
	{Name: "AddPermission", Members: slices.Concat(oneVersion, policyMembers)},
	{Name: "GetPolicy", Members: oneVersion},
	{Name: "RemovePermission", Members: slices.Concat(oneVersion, []Member{{Name: "RevisionId", Standing: Same}, {Name: "StatementId", Standing: Same}})},
	{Name: "GetRuntimeManagementConfig", Members: oneVersion},
	{Name: "ListLayers", Members: []Member{
		{Name: "CompatibleArchitecture", Standing: Chosen, Note: "ignored: there are no layers"},
		{Name: "CompatibleRuntime", Standing: Chosen, Note: "ignored: there are no layers"},
		{Name: "Marker", Standing: Chosen, Note: "ignored: there are no layers"},
		{Name: "MaxItems", Standing: Chosen, Note: "ignored: there are no layers"},
	}},
	{Name: "GetAccountSettings"},
}
