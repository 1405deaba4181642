package admin

import "net/http"

// route is one operation: where it is, and what the OpenAPI document says of it.
type route struct {
	method  string
	path    string
	summary string
	handler http.Handler
}

// routes is the whole API. openapi.json is made from it.
func (s *Server) routes() []route {
	const m, f = "/gantry/v1/mappings", "/gantry/v1/functions"
	return []route{
		{"GET", "/gantry/v1/status", "What this process runs, the worst first", handle(s, s.getStatus)},
		{"GET", m, "List the mappings", handle(s, s.listMappings)},
		{"GET", m + "/{id}", "Show a mapping, by UUID or name", handle(s, s.getMapping)},
		{"DELETE", m + "/{id}", "Stop a mapping and remove it", handle(s, s.deleteMapping)},
		{"POST", m + "/{id}/pause", "Stop a mapping and keep its place", handle(s, s.pauseMapping)},
		{"POST", m + "/{id}/resume", "Go on where a mapping was paused", handle(s, s.resumeMapping)},
		{"GET", m + "/{id}/offsets", "Compare the group's commits with the log", handle(s, s.getOffsets)},
		{"GET", m + "/{id}/losses", "List the losses that wait for their owner", handle(s, s.listLosses)},
		{"POST", m + "/{id}/accept-loss", "Go on behind a loss", handle(s, s.acceptLoss)},
		{"GET", m + "/{id}/tail", "Follow the batches of a mapping", s.stream(s.tail)},
		{"GET", f, "List the functions", handle(s, s.listFunctions)},
		{"GET", f + "/{name}", "Show a function", handle(s, s.getFunction)},
		{"DELETE", f + "/{name}", "Remove a function no mapping uses", handle(s, s.deleteFunction)},
		{"GET", f + "/{name}/logs", "Read or follow what a function writes", s.stream(s.functionLogs)},
		{"POST", "/gantry/v1/apply", "Make the store agree with a file", handle(s, s.apply)},
		{"POST", "/gantry/v1/topics/{topic}/records", "Write records to a topic", handle(s, s.produce)},
		{"GET", "/gantry/v1/openapi.json", "This API as an OpenAPI document", handle(s, s.openAPI)},
	}
}
