package lambda

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// The sizes a request body may have. AWS names both numbers in its errors.
const (
	bodyLimit     = 1 << 20
	functionLimit = 69_905_067 // 50 MB of zip in base64
	invokeLimit   = 6_291_456
	eventLimit    = 1 << 20 // of a payload with InvocationType Event; 256 KB until October 2025
)

// OpenPaths are the path prefixes whose requests carry their own signature and need no
// other credentials.
func OpenPaths() []string { return []string{CodePath} }

// Route is where an operation is found.
type Route struct {
	Operation string
	Method    string
	Path      string
	handler   http.HandlerFunc
}

// Routes lists every operation that is answered.
func Routes() []Route { return (&Server{}).routes() }

func (s *Server) routes() []Route {
	return slices.Concat(s.mappingRoutes(), s.functionRoutes(), s.settingRoutes(), s.eventInvokeRoutes())
}

// at makes a route of a typed operation.
func at[In, Out any](s *Server, method, path, operation string, do func(context.Context, *In) (Out, error)) Route {
	return Route{Operation: operation, Method: method, Path: path, handler: handle(s, operation, do)}
}

func (s *Server) mappingRoutes() []Route {
	const mappings, one = "/2015-03-31/event-source-mappings", "/2015-03-31/event-source-mappings/{UUID}"
	const tags = "/2017-03-31/tags/{Resource}"
	return []Route{
		at(s, "POST", mappings, "CreateEventSourceMapping", s.createEventSourceMapping),
		at(s, "GET", mappings, "ListEventSourceMappings", s.listEventSourceMappings),
		at(s, "GET", one, "GetEventSourceMapping", s.getEventSourceMapping),
		at(s, "PUT", one, "UpdateEventSourceMapping", s.updateEventSourceMapping),
		at(s, "DELETE", one, "DeleteEventSourceMapping", s.deleteEventSourceMapping),
		at(s, "POST", tags, "TagResource", s.tagResource),
		at(s, "DELETE", tags, "UntagResource", s.untagResource),
		at(s, "GET", tags, "ListTags", s.listTags),
	}
}

func (s *Server) functionRoutes() []Route {
	const functions, one = "/2015-03-31/functions", "/2015-03-31/functions/{FunctionName}"
	return []Route{
		at(s, "POST", functions, "CreateFunction", s.createFunction),
		at(s, "GET", functions, "ListFunctions", s.listFunctions),
		at(s, "GET", one, "GetFunction", s.getFunction),
		at(s, "DELETE", one, "DeleteFunction", s.deleteFunction),
		at(s, "PUT", one+"/code", "UpdateFunctionCode", s.updateFunctionCode),
		at(s, "GET", one+"/configuration", "GetFunctionConfiguration", s.getFunctionConfiguration),
		at(s, "PUT", one+"/configuration", "UpdateFunctionConfiguration", s.updateFunctionConfiguration),
		at(s, "GET", one+"/versions", "ListVersionsByFunction", s.listVersionsByFunction),
		at(s, "POST", one+"/invocations", "Invoke", s.invoke),
	}
}

// settingRoutes are what surrounds a function: its concurrency, who may invoke it, and
// what tools ask before they change one.
func (s *Server) settingRoutes() []Route {
	const reserved, policy = "/functions/{FunctionName}/concurrency", "/2015-03-31/functions/{FunctionName}/policy"
	return []Route{
		at(s, "PUT", "/2017-10-31"+reserved, "PutFunctionConcurrency", s.putFunctionConcurrency),
		at(s, "DELETE", "/2017-10-31"+reserved, "DeleteFunctionConcurrency", s.deleteFunctionConcurrency),
		at(s, "GET", "/2019-09-30"+reserved, "GetFunctionConcurrency", s.getFunctionConcurrency),
		at(s, "POST", policy, "AddPermission", s.addPermission),
		at(s, "GET", policy, "GetPolicy", s.getPolicy),
		at(s, "DELETE", policy+"/{StatementId}", "RemovePermission", s.removePermission),
		at(s, "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", "GetFunctionCodeSigningConfig", s.getFunctionCodeSigningConfig),
		at(s, "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "GetRuntimeManagementConfig", s.getRuntimeManagementConfig),
		at(s, "GET", "/2018-10-31/layers", "ListLayers", s.listLayers),
		at(s, "GET", "/2016-08-19/account-settings", "GetAccountSettings", s.getAccountSettings),
	}
}

// eventInvokeRoutes are about invocations that nobody waits for.
func (s *Server) eventInvokeRoutes() []Route {
	const one = "/2019-09-25/functions/{FunctionName}/event-invoke-config"
	return []Route{
		at(s, "PUT", one, "PutFunctionEventInvokeConfig", s.putFunctionEventInvokeConfig),
		at(s, "POST", one, "UpdateFunctionEventInvokeConfig", s.updateFunctionEventInvokeConfig),
		at(s, "GET", one, "GetFunctionEventInvokeConfig", s.getFunctionEventInvokeConfig),
		at(s, "DELETE", one, "DeleteFunctionEventInvokeConfig", s.deleteFunctionEventInvokeConfig),
		at(s, "GET", one+"/list", "ListFunctionEventInvokeConfigs", s.listFunctionEventInvokeConfigs),
	}
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
