package declare

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// Telemetry is what `telemetry:` says. OpenTelemetry's variables and serve's flags win
// over it.
type Telemetry struct {
	Traces Traces
	Logs   Logs
}

// Traces says where traces go. The values of Headers are references.
type Traces struct {
	Endpoint string
	Headers  map[string]string
	Sample   *float64 // nil = not given
}

// Logs says how gantry's own log looks; empty = not given.
type Logs struct{ Format, Level string }

func (r *reader) telemetry(n ast.Node, path string) {
	t := &r.file.Telemetry
	t.Traces.Headers = map[string]string{}
	r.object(n, path, members{
		"traces": func(n ast.Node, path string) {
			r.object(n, path, members{
				"endpoint": r.text(&t.Traces.Endpoint), "sample": r.share(&t.Traces.Sample),
				"headers": r.each(func(name string, n ast.Node, path string) {
					var ref string
					r.ref(&ref)(n, path)
					t.Traces.Headers[name] = ref
				}),
			})
		},
		"logs": func(n ast.Node, path string) {
			r.object(n, path, members{
				"format": r.oneOf(&t.Logs.Format, "text", "json"), "level": r.oneOf(&t.Logs.Level, "debug", "info", "warn", "error"),
			})
		},
	})
}

// share takes a number from 0 to 1.
func (r *reader) share(to **float64) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a number from 0 to 1")
		if !ok {
			return
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= 0 && v <= 1) {
			r.fault(n, path, "%s is not a number from 0 to 1", s)
			return
		}
		*to = &v
	}
}
