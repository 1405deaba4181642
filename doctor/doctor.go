// Package doctor finds out why something does not work: a cluster, the road to AWS, or a
// mapping with everything between its source and its function.
//
// A Report is a list of steps in the order they were tried, each with what happened, how
// long it took and what to do. It changes nothing anywhere, goes on behind a failure as
// far as anything is left to try, and holds no secret: it is made to be pasted into a
// ticket. The steps of a cluster are package kafka's; this package adds AWS, functions,
// filters and destinations.
package doctor

import (
	"context"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Sources find out how to reach a cluster (kafka.Resolver).
type Sources interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Doctor looks at one gantry's world: its configuration, its credentials, its network.
type Doctor struct {
	Sources Sources
	// AWS gives the configuration for calls to AWS; nil = it is not known.
	AWS func(ctx context.Context) (aws.Config, error)
	// Prepare gets everything ready that a function's process takes (package, runtime,
	// user) and starts none; nil = that is not looked at.
	Prepare func(ctx context.Context, fn function.Function) error
	// Dial gives the way through networks; nil = direct.
	Dial func(networks []string) (kafka.Dialer, error)
	// Where says who looked: a process of gantry, or a command with a file.
	Where string
	Now   func() time.Time // nil = time.Now
}

// Report is what was found.
type Report struct {
	Subject string    `json:"subject"`
	Where   string    `json:"where"`
	At      time.Time `json:"at"`
	OK      bool      `json:"ok"` // no step failed
	Steps   []Step    `json:"steps"`
}

// Step is one thing that was tried.
type Step struct {
	What      string  `json:"what"`
	Result    string  `json:"result"` // ok, warning, failed, skipped
	Detail    string  `json:"detail,omitempty"`
	Try       string  `json:"try,omitempty"`
	ElapsedMS float64 `json:"elapsedMs"`
}

func (d *Doctor) report(subject string, steps []kafka.Step) Report {
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	r := Report{Subject: subject, Where: d.Where, At: now().UTC(), OK: true, Steps: []Step{}}
	for _, s := range steps {
		r.OK = r.OK && s.Result != kafka.Failed
		r.Steps = append(r.Steps, Step{
			What: clean(s.What), Result: string(s.Result), Detail: clean(s.Detail), Try: clean(s.Try),
			ElapsedMS: float64(s.Elapsed.Round(100*time.Microsecond).Microseconds()) / 1000,
		})
	}
	return r
}

// What errors of others may hold although nobody put a secret there on purpose.
var (
	userInURL  = regexp.MustCompile(`(://[^/\s:@]+):[^/\s@]+@`)
	assignment = regexp.MustCompile(`(?i)((?:password|passwd|secret|token|private_?key)["']?\s*[=:]\s*["']?)[^\s"',;&}]+`)
	signature  = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Security-Token)=)[^&\s]+`)
)

// clean takes out what looks like a secret. gantry's own errors hold none; this is for
// the words of proxies, brokers and services.
func clean(text string) string {
	text = userInURL.ReplaceAllString(text, "$1:***@")
	text = signature.ReplaceAllString(text, "$1***")
	return assignment.ReplaceAllString(text, "$1***")
}

// Cluster examines a cluster by its name in the configuration; topics and a group add
// what is looked at there.
func (d *Doctor) Cluster(ctx context.Context, name string, topics []string, group string) Report {
	var needs []kafka.Need
	for _, topic := range topics {
		needs = append(needs, kafka.Need{Resource: "topic", Name: topic, Operation: "Read", For: "to fetch its records"})
	}
	if group != "" {
		needs = append(needs, kafka.Need{Resource: "group", Name: group, Operation: "Read", For: "to be a member and to commit"})
	}
	return d.report("cluster "+name, d.cluster(ctx, mapping.Source{Cluster: name}, needs))
}

func (d *Doctor) cluster(ctx context.Context, src mapping.Source, needs []kafka.Need) []kafka.Step {
	began := time.Now()
	c, err := d.Sources.Resolve(ctx, src)
	found := kafka.Step{What: "find out how to reach the cluster, and read its secrets", Result: kafka.Passed, Elapsed: time.Since(began)}
	if err != nil {
		diagnosis := kafka.Diagnose(err)
		found.Result, found.Detail, found.Try = kafka.Failed, diagnosis.Cause, diagnosis.Try
		return []kafka.Step{found}
	}
	found.Detail = c.Security() + " to " + list(c.Brokers)
	return append([]kafka.Step{found}, kafka.Examine(ctx, c, needs)...)
}
