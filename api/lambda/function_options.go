package lambda

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gantry/function"
)

const defaultArchitecture = "x86_64"

var (
	rolePattern     = whole(`arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	handlerPattern  = whole(`[^\s]+`)
	variablePattern = whole(`[a-zA-Z]([a-zA-Z0-9_])+`)
	runsHere        = regexp.MustCompile(`^(provided|python3\.|nodejs|java)`)
)

// runtimes are the identifiers of AWS's model.
var runtimes = []string{
	"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x",
	"nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x", "nodejs4.3-edge",
	"java8", "java8.al2", "java8.al2023", "java11", "java11.al2023", "java17", "java17.al2023", "java21", "java25",
	"python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11", "python3.12",
	"python3.13", "python3.14", "python3.15",
	"dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "dotnet8", "dotnet10",
	"go1.x", "ruby2.5", "ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
	"provided", "provided.al2", "provided.al2023",
}

// reserved are the variables that the environment itself sets (Developer Guide,
// configuration-envvars).
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// functionOptions are the members that creation and update of a configuration share. A
// nil member was not given.
type functionOptions struct {
	Description   *string      `json:"Description"`
	Handler       *string      `json:"Handler"`
	Role          *string      `json:"Role"`
	Runtime       *string      `json:"Runtime"`
	Timeout       *int         `json:"Timeout"`
	MemorySize    *int         `json:"MemorySize"`
	Environment   *environment `json:"Environment"`
	LoggingConfig *struct {
		LogGroup *string `json:"LogGroup"`
	} `json:"LoggingConfig"`
}

func (o *functionOptions) faults(name string, f *faults) {
	f.text("description", o.Description, length(0, 256))
	f.text("role", o.Role, pattern(rolePattern))
	f.number("timeout", o.Timeout, 1, int(function.MaxAPITimeout/time.Second))
	f.number("memorySize", o.MemorySize, function.DefaultMemory, function.MaxMemory)
	if o.Handler != nil && *o.Handler != "" {
		f.text("handler", o.Handler, length(0, 128), pattern(handlerPattern))
	}
	runtimeFaults(o.Runtime, f)
	if o.Environment != nil {
		environmentFaults(o.Environment.Variables, f)
	}
	if l := o.LoggingConfig; l != nil && l.LogGroup != nil && *l.LogGroup != "" && *l.LogGroup != logGroup(name) {
		f.refuse("LoggingConfig.LogGroup is not supported by gantry yet (only %s)", logGroup(name))
	}
}

func runtimeFaults(runtime *string, f *faults) {
	f.text("runtime", runtime, oneOf(runtimes...))
	if runtime != nil && slices.Contains(runtimes, *runtime) && !runsHere.MatchString(*runtime) {
		f.refuse("Runtime: %s is not supported by gantry yet; it runs provided*, python3.*, nodejs* and java*", *runtime)
	}
}

// environmentFaults never shows a value: it may be a secret.
func environmentFaults(variables map[string]string, f *faults) {
	size, taken := 0, []string{}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		size += len(name) + len(variables[name])
		f.text("environment.variables."+shorten(name)+".key", &name, pattern(variablePattern))
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
	}
	if len(taken) > 0 {
		f.refuse("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(taken, ", "))
	}
	if size > function.MaxEnvironment {
		f.refuse("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"exceeded the 4KB limit: all names and values together take %d bytes", size)
	}
}

// putInto writes what was given into a function; the rest of it stays as it is.
func (o *functionOptions) putInto(fn *function.Function) {
	set(&fn.Description, o.Description)
	set(&fn.Handler, o.Handler)
	set(&fn.Role, o.Role)
	set(&fn.Runtime, o.Runtime)
	set(&fn.Memory, o.MemorySize)
	if o.Timeout != nil {
		fn.Timeout = time.Duration(*o.Timeout) * time.Second
	}
	if o.Environment != nil {
		fn.Environment = o.Environment.Variables
	}
}

// architectureFaults checks the one architecture a function may name. It is stored and
// shown: processes run on the architecture of the host.
func architectureFaults(architectures *[]string, f *faults) {
	if architectures == nil {
		return
	}
	f.count("architectures", *architectures, len(*architectures), 1, 1)
	for i, a := range *architectures {
		f.text(member("architectures", i), &a, oneOf("x86_64", "arm64"))
	}
}
