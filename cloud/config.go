package cloud

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"gantry/cloud/call"
)

// Config is the `aws:` section of the configuration file. What it leaves out is found as
// AWS's own tools find it: variables, shared files, the machine's role.
type Config struct {
	Profile  string
	Region   string
	Endpoint string // one URL for every service

	Endpoints map[string]string // service (lambda, sts, secretsmanager, …) → URL; wins over Endpoint
	FIPS      bool              // AWS's FIPS endpoints

	// At most one of Profile, CredentialProcess and WebIdentity says where credentials
	// begin; AssumeRole is taken on with them.
	CredentialProcess string
	WebIdentity       WebIdentity
	AssumeRole        AssumeRole

	Proxy    string   // URL, or a reference to a secret that holds one
	NoProxy  []string // hosts beside those of NO_PROXY that the proxy is not for
	CABundle string   // file of the PEM certificates that are trusted, and no others
	Network  []string // of `networks:`: how AWS is reached, in place of a proxy
}

// AssumeRole is a role taken on with other credentials (STS AssumeRole).
type AssumeRole struct {
	RoleARN     string
	ExternalID  string
	SessionName string        // as CloudTrail shows it; empty = gantry
	Duration    time.Duration // 15 minutes to 12 hours; 0 = one hour
}

// WebIdentity is a role taken on with a token of an identity provider, such as a
// Kubernetes service account's (STS AssumeRoleWithWebIdentity).
type WebIdentity struct {
	RoleARN     string
	TokenFile   string // read anew at each renewal
	SessionName string
	Duration    time.Duration
}

// RoleARN is the form of a role's ARN.
var RoleARN = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z0-9+=,.@\-_/]+$`)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// The bounds of STS.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 12 * time.Hour
)

// services are the AWS APIs gantry calls by a client of the SDK, by their names in
// `endpoints:`, and the ids the SDK knows them by. Those whose models are bundled are
// beside them.
var services = map[string]string{
	"lambda": "Lambda", "sts": "STS", "secretsmanager": "Secrets Manager", "s3": "S3", "sqs": "SQS", "sns": "SNS",
	"dynamodb": "DynamoDB", "kinesis": "Kinesis", "firehose": "Firehose", "eventbridge": "EventBridge",
	"sfn": "SFN", "kafka": "Kafka", "glue": "Glue", "cloudwatchlogs": "CloudWatch Logs", "iam": "IAM",
}

// serviceID is the id by which the SDK knows a service of `endpoints:`, "" for none.
func serviceID(name string) string {
	if id := services[name]; id != "" {
		return id
	}
	return call.ServiceID(name)
}

func serviceNames() []string {
	names := append(slices.Collect(maps.Keys(services)), call.Services()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Validate names every fault at once, each under the key it is about.
func (c Config) Validate() error {
	var errs []error
	fault := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	begin := 0
	for _, given := range []bool{c.Profile != "", c.CredentialProcess != "", c.WebIdentity != WebIdentity{}} {
		if given {
			begin++
		}
	}
	if begin > 1 {
		fault("profile", "want at most one of profile, credentialProcess and webIdentity: each says where credentials begin")
	}
	c.urls(fault)
	c.WebIdentity.faults(fault)
	c.AssumeRole.faults(fault)
	c.way(fault)
	return errors.Join(errs...)
}

type faulter func(key, format string, args ...any)

func (c Config) urls(fault faulter) {
	if c.Endpoint != "" && !isURL(c.Endpoint, "http", "https") {
		fault("endpoint", "%q is no http:// or https:// URL", c.Endpoint)
	}
	named := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Endpoints)) {
		id := serviceID(name)
		switch {
		case id == "":
			fault("endpoints."+name, "gantry calls no such service; it calls %s", strings.Join(serviceNames(), ", "))
		case named[id] != "":
			fault("endpoints."+name, "is the same service as %s; name it once", named[id])
		}
		named[id] = name
		if !isURL(c.Endpoints[name], "http", "https") {
			fault("endpoints."+name, "%q is no http:// or https:// URL", c.Endpoints[name])
		}
	}
	if c.FIPS && (c.Endpoint != "" || len(c.Endpoints) > 0) {
		fault("fips", "AWS chooses its FIPS endpoints itself; name them under endpoints, or leave endpoint and endpoints out")
	}
}

// way checks what stands between gantry and AWS.
func (c Config) way(fault faulter) {
	u, err := url.Parse(c.Proxy)
	switch {
	case c.Proxy == "":
		if len(c.NoProxy) > 0 {
			fault("noProxy", "is for proxy; without one set the variable NO_PROXY")
		}
	case len(c.Network) > 0:
		fault("proxy", "want at most one of proxy and network")
	case err == nil && u.User != nil:
		fault("proxy", "a password does not belong in the file; put the whole URL into a secret and name that: proxy: secret:NAME")
	case !strings.Contains(c.Proxy, "://") && strings.Contains(c.Proxy, ":") && !strings.ContainsAny(c.Proxy, " ") && isReference(c.Proxy):
	case !isURL(c.Proxy, "http", "https", "socks5", "socks5h"):
		fault("proxy", "%q is no URL such as http://proxy:3128, and no reference to a secret that holds one", c.Proxy)
	}
}

// isReference tells secret:NAME from HOST:PORT.
func isReference(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	return scheme != "" && rest != "" && strings.Trim(rest, "0123456789") != ""
}

func (w WebIdentity) faults(fault faulter) {
	if w == (WebIdentity{}) {
		return
	}
	if !RoleARN.MatchString(w.RoleARN) {
		fault("webIdentity.roleArn", "%q is no role ARN", w.RoleARN)
	}
	if w.TokenFile == "" {
		fault("webIdentity.tokenFile", "is missing: the file with the token, such as a projected service account token")
	}
	sessionFaults(fault, "webIdentity", w.SessionName, w.Duration)
}

func (a AssumeRole) faults(fault faulter) {
	if a == (AssumeRole{}) {
		return
	}
	if !RoleARN.MatchString(a.RoleARN) {
		fault("assumeRole.roleArn", "%q is no role ARN", a.RoleARN)
	}
	sessionFaults(fault, "assumeRole", a.SessionName, a.Duration)
}

func sessionFaults(fault faulter, key, name string, d time.Duration) {
	if name != "" && !sessionName.MatchString(name) {
		fault(key+".sessionName", "%q is none: 2 to 64 letters, digits and _+=,.@-", name)
	}
	if d != 0 && (d < shortestSession || d > longestSession) {
		fault(key+".duration", "%s is not within %s..%s", d, shortestSession, longestSession)
	}
}

func isURL(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}
