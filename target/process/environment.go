package process

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/function"
)

// reserved returns the names that Lambda sets and a function's owner may not.
func reserved() []string {
	return []string{
		"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
		"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
	}
}

// Reserved returns the names in a function's environment that Lambda keeps for itself,
// sorted.
func Reserved(environment map[string]string) []string {
	kept := reserved()
	var names []string
	for name := range environment {
		if slices.Contains(kept, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Validate checks a function's environment by Lambda's rules and names every fault.
func Validate(environment map[string]string) error {
	legal := regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	var errs []error
	size := 0
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		value := environment[name]
		size += len(name) + len(value)
		switch {
		case slices.Contains(reserved(), name):
			errs = append(errs, fmt.Errorf("environment variable %s: the name is reserved by Lambda", name))
		case !legal.MatchString(name):
			errs = append(errs, fmt.Errorf("environment variable %q: a name has two or more letters, digits and underscores and begins with a letter", name))
		}
		if strings.ContainsRune(value, 0) {
			errs = append(errs, fmt.Errorf("environment variable %s: the value holds a zero byte", name))
		}
	}
	if size > function.MaxEnvironment {
		errs = append(errs, fmt.Errorf("environment: all names and values together have %d bytes, over the limit of %d", size, function.MaxEnvironment))
	}
	return errors.Join(errs...)
}

// ValidateSecrets checks the names of the variables that secrets are put into.
func ValidateSecrets(secrets, environment map[string]string) error {
	legal := regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		_, twice := environment[name]
		switch {
		case slices.Contains(reserved(), name):
			errs = append(errs, fmt.Errorf("secret variable %s: the name is reserved by Lambda", name))
		case !legal.MatchString(name):
			errs = append(errs, fmt.Errorf("secret variable %q: a name has two or more letters, digits and underscores and begins with a letter", name))
		case twice:
			errs = append(errs, fmt.Errorf("secret variable %s: environment has it too; leave one out", name))
		}
	}
	return errors.Join(errs...)
}

// environment is all a process gets: Lambda's variables, PATH, LANG and TZ, then the
// runtime's, the function's, what is injected, and last what the invocation target
// overrides. HOME is its own folder and the instance's metadata are switched off, so that
// AWS's libraries find neither the files nor the role of the machine gantry runs on.
func (p *Pool) environment(api, temp string, more injected, produce map[string]string) []string {
	all := map[string]string{
		"PATH": p.cfg.Path, "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": temp, "HOME": temp,
		"AWS_EC2_METADATA_DISABLED": "true",
	}
	if runtime.GOOS == "windows" { // programs do not start without it
		all["SYSTEMROOT"], all["TEMP"], all["TMP"] = os.Getenv("SYSTEMROOT"), temp, temp
	}
	maps.Copy(all, p.launch.env)
	maps.Copy(all, p.fn.Environment)
	maps.Copy(all, p.lambdaVariables())
	maps.Copy(all, more.variables)
	maps.Copy(all, p.cfg.Overrides)
	maps.Copy(all, produce)
	all["AWS_LAMBDA_RUNTIME_API"] = api
	return slices.Sorted(func(yield func(string) bool) {
		for name, value := range all {
			if !yield(name + "=" + value) {
				return
			}
		}
	})
}

// lambdaVariables are those Lambda documents, without credentials.
func (p *Pool) lambdaVariables() map[string]string {
	v := map[string]string{
		"_HANDLER":                        p.fn.Handler,
		"LAMBDA_TASK_ROOT":                p.cfg.CodeDir,
		"AWS_REGION":                      p.cfg.Region,
		"AWS_DEFAULT_REGION":              p.cfg.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        p.fn.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     function.LatestVersion,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(p.fn.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + p.fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      fmt.Sprintf("%s/[%s]%s", time.Now().UTC().Format("2006/01/02"), function.LatestVersion, newInvocation()),
	}
	if runtimeDir := p.launch.runtimeDir; runtimeDir != "" {
		v["LAMBDA_RUNTIME_DIR"] = runtimeDir
	}
	if p.launch.managed { // Lambda leaves it unset for custom runtimes
		v["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + p.fn.Runtime
	}
	if runtime.GOOS == "linux" && p.cfg.CodeDir != "" { // libraries that come with the code, as in Lambda
		v["LD_LIBRARY_PATH"] = p.cfg.CodeDir + ":" + filepath.Join(p.cfg.CodeDir, "lib")
		if own := p.fn.Environment["LD_LIBRARY_PATH"]; own != "" { // not reserved
			v["LD_LIBRARY_PATH"] = own
		}
	}
	return v
}
