package declare

import (
	"regexp"
	"time"

	"github.com/goccy/go-yaml/ast"

	"gantry/function"
)

var eventDestination = regexp.MustCompile(`^kafka://([^/]+)/([a-zA-Z0-9._-]{1,249})$`)

// asynchronous is `async:` of a function as it is written.
type asynchronous struct {
	function.Asynchronous
	retries int
	written bool
}

// given is nil for a function that says nothing of it.
func (a *asynchronous) given() *function.Asynchronous {
	if !a.written {
		return nil
	}
	if a.retries >= 0 {
		a.Retries = &a.retries
	}
	return &a.Asynchronous
}

// asynchronous reads what becomes of invocations that nobody waits for.
func (r *reader) asynchronous(to *asynchronous) read {
	to.retries = -1
	return func(n ast.Node, path string) {
		to.written = true
		r.object(n, path, members{
			"retries": r.number(&to.retries, 0, 2), "maxAge": r.duration(&to.MaxAge, time.Minute, 6*time.Hour),
			"onSuccess": r.eventDestination(&to.OnSuccess), "onFailure": r.eventDestination(&to.OnFailure),
		})
	}
}

func (r *reader) eventDestination(to *string) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "kafka://CLUSTER/TOPIC")
		if ok && !eventDestination.MatchString(s) {
			r.fault(n, path, "%q is not supported; want kafka://CLUSTER/TOPIC, a cluster of clusters:", s)
		}
		if cluster := eventDestination.FindStringSubmatch(s); ok && cluster != nil {
			if _, known := r.file.Clusters[cluster[1]]; !known {
				r.fault(n, path, "there is no cluster %q in clusters:", cluster[1])
			}
		}
		*to = s
	}
}
