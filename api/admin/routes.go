package admin

// route is one operation: where it is, and what the OpenAPI document says of it.
type route struct {
	method  string
	path    string
	id      string
	summary string
	handler endpoint
}

// Route is where an operation is found.
type Route struct{ Operation, Method, Path string }

// Routes lists every operation.
func Routes() []Route {
	var list []Route
	for _, r := range (&Server{}).routes() {
		list = append(list, Route{r.id, r.method, r.path})
	}
	return list
}

// routes is the whole API. openapi.json is made from it.
func (s *Server) routes() []route {
	const m, f, g = "/gantry/v1/mappings", "/gantry/v1/functions", "/gantry/v1/migrations"
	return []route{
		{"GET", "/gantry/v1/status", "getStatus", "What this process runs, the worst first", handle(s, s.getStatus)},
		{"GET", m, "listMappings", "List the mappings, the worst first", handle(s, s.listMappings)},
		{"GET", m + "/{id}", "getMapping", "Show a mapping, by UUID or name", handle(s, s.getMapping)},
		{"DELETE", m + "/{id}", "deleteMapping", "Stop a mapping and remove it", handle(s, s.deleteMapping)},
		{"POST", m + "/{id}/pause", "pauseMapping", "Stop a mapping and keep its place", handle(s, s.pauseMapping)},
		{"POST", m + "/{id}/resume", "resumeMapping", "Go on where a mapping was paused", handle(s, s.resumeMapping)},
		{"GET", m + "/{id}/offsets", "getOffsets", "Compare the group's commits with the log", handle(s, s.getOffsets)},
		{"GET", m + "/{id}/losses", "listLosses", "List the losses that wait for their owner", handle(s, s.listLosses)},
		{"POST", m + "/{id}/accept-loss", "acceptLoss", "Go on behind a loss; without a token only the preview", handle(s, s.acceptLoss)},
		{"POST", m + "/{id}/offsets/reset", "resetOffsets", "Set where a paused mapping reads on; without a token only the preview", handle(s, s.resetOffsets)},
		{"POST", m + "/{id}/skip", "skipRecords", "Give up records a partition stands on; without a token only the preview", handle(s, s.skipRecords)},
		{"GET", m + "/{id}/records", "showRecords", "Show records of a mapping's topic, masked", handle(s, s.showRecords,
			query("topic", "string", "needed where the mapping reads several"), query("partition", "integer", "of the topic"),
			query("offset", "integer", "of the first record"), query("count", "integer", "how many; default 1, at most 100"))},
		{"GET", m + "/{id}/dead-letters", "listDeadLetters", "Go through the dead letters of a mapping, masked", stream(s, s.listDeadLetters, deadLetterQuery()...)},
		{"GET", m + "/{id}/dead-letter", "showDeadLetter", "Show a dead letter whole, masked", handle(s, s.showDeadLetter,
			query("letter", "string", "its id"), query("from", "string", "where it lies; default the mapping's onFailure"))},
		{"POST", m + "/{id}/dead-letters/redrive", "redriveDeadLetters", "Redrive dead letters; without a token only the preview", s.redriveDeadLetters()},
		{"GET", m + "/{id}/doctor", "examineMapping", "Try everything between a mapping's source and its function", handle(s, s.examineMapping)},
		{"GET", m + "/{id}/acls", "getAccessLists", "The least a mapping needs on its cluster", handle(s, s.accessLists,
			query("principal", "string", "who gets it"), query("optional", "boolean", "with what it runs without"),
			query("redrive", "boolean", "with what redriving its dead letters takes"))},
		{"GET", m + "/{id}/iam", "getPolicy", "The least a mapping needs of AWS", handle(s, s.policy)},
		{"GET", "/gantry/v1/doctor/clusters/{name}", "examineCluster", "Try a cluster step by step", handle(s, s.examineCluster,
			query("topic", "string", "a topic to look at as well; may be given more than once"), query("group", "string", "a group to look at as well"))},
		{"GET", "/gantry/v1/doctor/aws", "examineAWS", "Try the road to AWS step by step", handle(s, s.examineAWS)},
		{"GET", m + "/{id}/tail", "tailMapping", "Follow the batches of a mapping", stream(s, s.tail)},
		{"GET", f, "listFunctions", "List the functions", handle(s, s.listFunctions)},
		{"GET", f + "/{name}", "getFunction", "Show a function", handle(s, s.getFunction)},
		{"DELETE", f + "/{name}", "deleteFunction", "Remove a function no mapping uses", handle(s, s.deleteFunction)},
		{"GET", f + "/{name}/logs", "getFunctionLogs", "Read or follow what a function writes", stream(s, s.functionLogs,
			query("lines", "integer", "how many of the last lines; default 100"), query("follow", "boolean", "go on with what it writes from now on"))},
		{"GET", g, "listMigrations", "List the migrations", handle(s, s.listMigrations)},
		{"POST", g + "/recover", "recoverMigration", "Take up a migration from its ledger; without a name list those there are", handle(s, s.recoverMigration)},
		{"GET", g + "/{name}", "getMigration", "Show a migration", handle(s, s.getMigration)},
		{"PUT", g + "/{name}", "putMigration", "Keep a plan", handle(s, s.putMigration)},
		{"DELETE", g + "/{name}", "deleteMigration", "Forget a plan; its ledger stays", handle(s, s.deleteMigration)},
		{"GET", g + "/{name}/ledger", "getLedger", "All lines of a migration's ledger, each with its hash", handle(s, s.getLedger)},
		{"GET", g + "/{name}/shadow", "showShadow", "What the shadow run of a plan shows, or showed when it ended", handle(s, s.showShadow)},
		{"POST", g + "/{name}/predict", "predictMigration", "What a cutover would meet, cost and do", handle(s, s.predictMigration)},
		{"POST", g + "/{name}/run", "runMigration", "Begin a step of a migration and follow it", s.runMigration()},
		{"GET", g + "/{name}/run", "watchMigration", "Follow a step that is under way, from its beginning", s.watchMigration()},
		{"POST", g + "/{name}/approve", "approveMigration", "Say yes to a step that waits", handle(s, s.approveMigration)},
		{"POST", "/gantry/v1/apply", "apply", "Make the store agree with a file", handle(s, s.apply)},
		{"POST", "/gantry/v1/topics/{topic}/records", "produce", "Write records to a topic; with a key of a function, under the function's right", handle(s, s.produce)},
		{"GET", "/gantry/v1/backup", "backup", "All that gantry must remember, as a compressed tar", s.backup()},
		{"GET", "/gantry/v1/export/{kind}", "export", "Mappings as a template of sam, cloudformation or terraform", handle(s, s.export,
			query("mapping", "string", "UUID or name; may be given more than once; none = every mapping"),
			query("accept", "string", "features that AWS lacks and that may be lost, with commas; all = whichever"))},
		{"POST", m + "/{id}/handover", "handOver", "Give the mapping's group to an event source mapping in AWS, step by step; gives it back when AWS does not go on in time", s.handOver()},
		{"GET", "/gantry/v1/openapi.json", "getOpenAPI", "This API as an OpenAPI document", handle(s, s.openAPI)},
	}
}

// query is a parameter behind the question mark.
func query(name, kind, description string) object {
	return object{"name": name, "in": "query", "description": description, "schema": object{"type": kind}}
}
