package lambda

import (
	"net/http"
	"strings"
)

// The sizes a request body may have. AWS names both numbers in its errors.
const (
	bodyLimit     = 1 << 20
	functionLimit = 69_905_067 // 50 MB of zip in base64
	invokeLimit   = 6_291_456
)

// OpenPaths are the path prefixes whose requests carry their own signature and need no
// other credentials.
func OpenPaths() []string { return []string{CodePath} }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	s.mappingRoutes(mux)
	s.functionRoutes(mux)
	mux.HandleFunc("GET "+CodePath+"{sha}", s.serveCode)
	mux.HandleFunc("/", s.noSuchOperation)
	return mux
}

func (s *Server) mappingRoutes(mux *http.ServeMux) {
	const mappings, one = "/2015-03-31/event-source-mappings", "/2015-03-31/event-source-mappings/{UUID}"
	const tags = "/2017-03-31/tags/{Resource}"
	route(mux, "POST "+mappings, handle(s, "CreateEventSourceMapping", s.createEventSourceMapping))
	route(mux, "GET "+mappings, handle(s, "ListEventSourceMappings", s.listEventSourceMappings))
	route(mux, "GET "+one, handle(s, "GetEventSourceMapping", s.getEventSourceMapping))
	route(mux, "PUT "+one, handle(s, "UpdateEventSourceMapping", s.updateEventSourceMapping))
	route(mux, "DELETE "+one, handle(s, "DeleteEventSourceMapping", s.deleteEventSourceMapping))
	route(mux, "POST "+tags, handle(s, "TagResource", s.tagResource))
	route(mux, "DELETE "+tags, handle(s, "UntagResource", s.untagResource))
	route(mux, "GET "+tags, handle(s, "ListTags", s.listTags))
}

func (s *Server) functionRoutes(mux *http.ServeMux) {
	const functions, one = "/2015-03-31/functions", "/2015-03-31/functions/{FunctionName}"
	route(mux, "POST "+functions, handle(s, "CreateFunction", s.createFunction))
	route(mux, "GET "+functions, handle(s, "ListFunctions", s.listFunctions))
	route(mux, "GET "+one, handle(s, "GetFunction", s.getFunction))
	route(mux, "DELETE "+one, handle(s, "DeleteFunction", s.deleteFunction))
	route(mux, "PUT "+one+"/code", handle(s, "UpdateFunctionCode", s.updateFunctionCode))
	route(mux, "GET "+one+"/configuration", handle(s, "GetFunctionConfiguration", s.getFunctionConfiguration))
	route(mux, "PUT "+one+"/configuration", handle(s, "UpdateFunctionConfiguration", s.updateFunctionConfiguration))
	route(mux, "GET "+one+"/versions", handle(s, "ListVersionsByFunction", s.listVersionsByFunction))
	route(mux, "POST "+one+"/invocations", handle(s, "Invoke", s.invoke))
	const reserved = "/functions/{FunctionName}/concurrency"
	route(mux, "PUT /2017-10-31"+reserved, handle(s, "PutFunctionConcurrency", s.putFunctionConcurrency))
	route(mux, "DELETE /2017-10-31"+reserved, handle(s, "DeleteFunctionConcurrency", s.deleteFunctionConcurrency))
	route(mux, "GET /2019-09-30"+reserved, handle(s, "GetFunctionConcurrency", s.getFunctionConcurrency))
	route(mux, "GET /2020-06-30/functions/{FunctionName}/code-signing-config",
		handle(s, "GetFunctionCodeSigningConfig", s.getFunctionCodeSigningConfig))
	route(mux, "GET /2016-08-19/account-settings", handle(s, "GetAccountSettings", s.getAccountSettings))
}

// route takes a path with and without a slash at its end: today's SDKs send none, the
// API reference of 2023 printed one.
func route(mux *http.ServeMux, pattern string, h http.HandlerFunc) {
	mux.HandleFunc(pattern, h)
	mux.HandleFunc(strings.TrimSuffix(pattern, "/")+"/{$}", h)
}

func (s *Server) noSuchOperation(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, "", unknownOperation(r.Method, r.URL.Path))
}
