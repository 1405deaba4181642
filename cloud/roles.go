package cloud

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// Role is an entry of `roles:`: what a function's role ARN stands for here. Exactly one
// of Assume, Profile and None is set.
type Role struct {
	Assume  bool   // take the role on, with gantry's own credentials
	Profile string // the credentials of this profile
	None    bool   // no credentials, said on purpose

	ExternalID  string        // with Assume
	SessionName string        // with Assume; empty = the function's name, as in Lambda
	Duration    time.Duration // with Assume; 0 = one hour
}

// Roles is the `roles:` section, by role ARN.
type Roles map[string]Role

// Validate names every fault of an entry.
func (r Role) Validate(arn string) []string {
	var out []string
	given := 0
	for _, is := range []bool{r.Assume, r.Profile != "", r.None} {
		if is {
			given++
		}
	}
	if !RoleARN.MatchString(arn) {
		out = append(out, fmt.Sprintf("%q is no role ARN", arn))
	}
	if given != 1 {
		out = append(out, "want exactly one of {assume: true}, {profile: NAME} and {none: true}")
	}
	if !r.Assume && (r.ExternalID != "" || r.SessionName != "" || r.Duration != 0) {
		out = append(out, "externalId, sessionName and duration go with assume: true")
	}
	sessionFaults(func(key, format string, args ...any) {
		out = append(out, strings.TrimPrefix(key, ".")+": "+fmt.Sprintf(format, args...))
	}, "", r.SessionName, r.Duration)
	return out
}

// Grants says in a sentence what credentials a function of this role gets here.
func (r Roles) Grants(arn string) string {
	role, ok := r[arn]
	switch {
	case arn == "":
		return "no AWS credentials: it has no role"
	case !ok && len(r) == 0:
		return "no AWS credentials: the configuration has no roles:"
	case !ok:
		return fmt.Sprintf("no AWS credentials: roles: has no entry for %s (it has %s)", arn, strings.Join(slices.Sorted(maps.Keys(r)), ", "))
	case role.None:
		return "no AWS credentials: roles: says none"
	case role.Profile != "":
		return "AWS credentials of profile " + role.Profile
	}
	return "AWS credentials of " + arn + ", assumed"
}

// Credentials gets the credentials of a function's role, with their end.
type Credentials func(ctx context.Context) (aws.Credentials, error)

// Role gives the credentials that a function gets by its role; nil = none.
func (c *Cloud) Role(roles Roles, function, arn string) Credentials {
	role, ok := roles[arn]
	if !ok || role.None {
		return nil
	}
	return func(ctx context.Context) (aws.Credentials, error) {
		k, err := c.roleKeeper(ctx, role, function, arn)
		if err != nil {
			return aws.Credentials{}, err
		}
		if _, err := k.cache.Retrieve(ctx); err != nil {
			return aws.Credentials{}, err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.value, nil // the cache's has an earlier end than the real one
	}
}

// roleKeeper keeps one session for each function and role, so that CloudTrail tells
// functions apart.
func (c *Cloud) roleKeeper(ctx context.Context, role Role, function, arn string) (*keeper, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := "function " + function + " as " + arn
	if k := c.roles[name]; k != nil {
		return k, nil
	}
	var next aws.CredentialsProvider
	if role.Assume {
		cfg, err := c.own(ctx)
		if err != nil {
			return nil, err
		}
		session := role.SessionName
		if session == "" {
			session = function
		}
		next = assume(cfg, AssumeRole{RoleARN: arn, ExternalID: role.ExternalID, SessionName: session, Duration: role.Duration})
	} else {
		cfg, err := c.load(ctx, role.Profile)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", role.Profile, err)
		}
		next = ownOnly{cfg.Credentials, role.Profile}
	}
	k := c.keep(name, next, roleWindow)
	c.roles[name] = k
	return k, nil
}

// ownOnly keeps the machine's credentials, which are gantry's own, from standing in for
// those of a profile that has none.
type ownOnly struct {
	next    aws.CredentialsProvider
	profile string
}

// Retrieve implements aws.CredentialsProvider.
func (o ownOnly) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if inner, ok := o.next.(*aws.CredentialsCache); ok {
		inner.Invalidate()
	}
	v, err := o.next.Retrieve(ctx)
	if err == nil && (v.Source == ec2rolecreds.ProviderName || v.Source == endpointcreds.ProviderName) {
		return aws.Credentials{}, fmt.Errorf("profile %s has no credentials of its own; those of the machine gantry runs on are not passed down", o.profile)
	}
	return v, err
}
