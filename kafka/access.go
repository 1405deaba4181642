package kafka

import (
	"fmt"
	"slices"

	"gantry/mapping"
)

// mechanisms are those of the access types that say who one is.
func mechanisms() map[string]Mechanism {
	return map[string]Mechanism{
		mapping.BasicAuth: Plain, mapping.ScramSHA256: ScramSHA256, mapping.ScramSHA512: ScramSHA512, mapping.ClientTLS: "",
		mapping.OAuth: OAuthBearer, mapping.IAM: MSKIAM, mapping.IAMOAuth: OAuthBearer,
	}
}

// accessFaults checks a source's access without reading any secret.
func accessFaults(access []mapping.Access) []error {
	var errs []error
	for _, a := range access {
		switch {
		case !slices.Contains(mapping.AccessTypes(), a.Type):
			errs = append(errs, fmt.Errorf("source access %q is not known for Kafka", a.Type))
		case a.Bare() && a.URI != "":
			errs = append(errs, fmt.Errorf("source access %s has no URI: AWS's credentials sign; leave it out", a.Type))
		case a.Literal() && a.URI == "":
			errs = append(errs, fmt.Errorf("source access %s: its text is missing, which stands in the URI", a.Type))
		case !a.Bare() && a.URI == "":
			errs = append(errs, fmt.Errorf("source access %s: the URI of its secret is missing", a.Type))
		}
	}
	for _, err := range mapping.AccessFaults(access) {
		errs = append(errs, fmt.Errorf("source access: %w", err))
	}
	return errs
}

// override lets access given with the source win over that of its cluster: a login
// replaces login and client certificate, a CA replaces the CA.
func (t *terms) override(access []mapping.Access, e entrance) {
	for _, a := range access {
		if a.Type == mapping.ServerRootCA {
			t.setCA(a.URI, e.Secrets)
		}
		if !a.Login() {
			continue
		}
		t.secure, t.authRefs = true, []string{a.URI}
		t.mechanism, t.identity, t.pair = mechanisms()[a.Type], nil, nil
		if a.Type == mapping.ClientTLS {
			t.pair = secretPair(a.URI, e.Secrets)
			continue
		}
		t.identity = e.identity(accessLogin(a, access))
	}
}

// accessLogin is a login of AWS's types in the words of the configuration.
func accessLogin(a mapping.Access, all []mapping.Access) SASLConfig {
	c := SASLConfig{Mechanism: mechanisms()[a.Type], Secret: a.URI}
	if c.Mechanism != OAuthBearer {
		return c
	}
	c.OAuth = &OAuthConfig{WebIdentity: a.Type == mapping.IAMOAuth, Extensions: map[string]string{}}
	for _, extra := range all {
		switch extra.Type {
		case mapping.OAuthScope:
			c.OAuth.Scope = extra.URI
		case mapping.OAuthAudience:
			c.OAuth.Audience = extra.URI
		case mapping.OAuthCluster:
			c.OAuth.Extensions["logicalCluster"] = extra.URI
		case mapping.OAuthPool:
			c.OAuth.Extensions["identityPoolId"] = extra.URI
		}
	}
	return c
}
