package declare

import (
	"cmp"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"gantry/function"
)

var roleARN = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z0-9+=,.@\-_/]+$`)

var secretVariable = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// function reads one entry of `functions:`. Which place it runs in is told by the one
// member of runtime, arn, http and integration that it has.
func (r *reader) function(name string, n ast.Node, path string) {
	f := function.Function{
		Name: name, Timeout: function.DefaultTimeout, Memory: function.DefaultMemory, Declared: true, File: r.file.Name,
		Environment: map[string]string{}, Secrets: map[string]string{}, Settings: map[string]string{}, Tags: map[string]string{},
	}
	concurrency := -1
	var async asynchronous
	timeout := r.duration(&f.Timeout, time.Second, function.MaxTimeout)
	memory := r.megabytes(&f.Memory, function.DefaultMemory, function.MaxMemory)
	reserved := r.number(&concurrency, 0, 100_000)
	r.object(n, path, members{
		"description": r.text(&f.Description), "Description": r.text(&f.Description),
		"runtime": r.text(&f.Runtime), "Runtime": r.text(&f.Runtime),
		"handler": r.text(&f.Handler), "Handler": r.text(&f.Handler),
		"role": r.text(&f.Role), "Role": r.text(&f.Role),
		"code": r.text(&f.Code.Dir), "CodeUri": r.text(&f.Code.Dir),
		"timeout": timeout, "Timeout": timeout,
		"memory": memory, "memorySize": memory, "MemorySize": memory,
		"environment": r.textMap(f.Environment), "Environment": r.awsEnvironment(f.Environment),
		"concurrency": reserved, "ReservedConcurrentExecutions": reserved,
		"processes": r.number(&f.Processes, 1, 1000),
		"arn":       r.text(&f.ARN), "http": r.text(&f.URL),
		"network":     r.networkNames(&f.Networks),
		"integration": r.text(&f.Integration), "settings": r.refMap(f.Settings),
		"async": r.asynchronous(&async),
		"tags":  r.textMap(f.Tags), "Tags": r.textMap(f.Tags),
		"produce": r.produce(&f.Produce),
		"secrets": r.refMap(f.Secrets), "user": r.text(&f.User), "output": r.later, "layers": r.later, "Layers": r.later,
		"vpcConfig": r.later, "VpcConfig": r.later, "image": r.later,
	})
	f.Async = async.given()
	if concurrency >= 0 {
		f.Concurrency = &concurrency
	}
	if !function.NamePattern.MatchString(name) {
		r.fault(n, path, "%q is no function name: 1 to 64 letters, digits, - and _", name)
	}
	r.functionKind(n, path, &f)
	r.file.Functions = append(r.file.Functions, f)
}

func (r *reader) awsEnvironment(to map[string]string) read {
	return func(n ast.Node, path string) { r.object(n, path, members{"Variables": r.textMap(to)}) }
}

// functionKind finds the place a function runs in, and what that place needs.
func (r *reader) functionKind(n ast.Node, path string, f *function.Function) {
	given := map[function.Kind]string{
		function.Process: cmp.Or(f.Runtime, f.Code.Dir, f.Handler), function.Lambda: f.ARN,
		function.HTTP: f.URL, function.InProcess: f.Integration,
	}
	count := 0
	for kind, value := range given {
		if value != "" {
			f.Kind = kind
			count++
		}
	}
	if count != 1 {
		r.fault(n, path, "want exactly one of runtime (with code), arn, http, integration")
		return
	}
	if f.Role != "" && !roleARN.MatchString(f.Role) {
		r.fault(n, join(path, "role"), "%q is no role ARN", f.Role)
	}
	if len(f.Networks) > 0 && f.Kind == function.Process {
		r.fault(n, join(path, "network"), "is how gantry reaches a function behind http or arn, or what an integration writes to; what a process may reach is the machine's to say")
	}
	if f.Kind == function.InProcess && r.id.Integration != nil {
		r.faultsOf(r.id.Integration(f.Integration, f.Settings), n, path)
	}
	if f.Kind != function.Process {
		if f.User != "" {
			r.fault(n, join(path, "user"), "is for functions that run here as processes")
		}
		if len(f.Secrets) > 0 {
			r.fault(n, join(path, "secrets"), "are for functions that run here as processes; give this one its secrets where it runs")
		}
		return
	}
	r.functionSecrets(n, path, f)
	switch language, _ := function.SplitRuntime(f.Runtime); {
	case f.Runtime == "":
		r.fault(n, path, "runtime is missing: one of Lambda's identifiers, such as python3.12, nodejs20.x or provided.al2023")
	case language == "":
		r.fault(n, join(path, "runtime"), "%q cannot run in a process here: use %s", f.Runtime, function.RuntimesHere)
	}
	if f.Code.Dir == "" {
		r.fault(n, path, "code is missing: the folder of the function")
		return
	}
	if !filepath.IsAbs(f.Code.Dir) {
		f.Code.Dir = filepath.Join(r.id.Dir, f.Code.Dir)
	}
}

// functionSecrets checks the variables that secrets are put into, and that each reference
// has a place: a function whose secret is nowhere would never start.
func (r *reader) functionSecrets(n ast.Node, path string, f *function.Function) {
	for _, name := range slices.Sorted(maps.Keys(f.Secrets)) {
		at := join(path, "secrets."+name)
		_, twice := f.Environment[name]
		switch {
		case !secretVariable.MatchString(name):
			r.fault(n, at, "a variable has two or more letters, digits and underscores and begins with a letter")
		case !strings.Contains(f.Secrets[name], ":"):
			r.fault(n, at, "want a reference such as env:NAME, file:PATH or secret:NAME; a secret itself never belongs here")
		case twice:
			r.fault(n, at, "environment has this variable too; leave one out")
		}
	}
}
