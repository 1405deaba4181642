package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Access is one SourceAccessConfiguration: a type of authentication and where its secret
// is, or what else the type wants in its URI.
type Access struct {
	Type string
	URI  string
}

// The access types gantry takes today.
const (
	BasicAuth     = "BASIC_AUTH"
	ScramSHA256   = "SASL_SCRAM_256_AUTH"
	ScramSHA512   = "SASL_SCRAM_512_AUTH"
	ClientTLS     = "CLIENT_CERTIFICATE_TLS_AUTH"
	ServerRootCA  = "SERVER_ROOT_CA_CERTIFICATE"
	OAuth         = "OAUTHBEARER_AUTH"
	OAuthScope    = "OAUTHBEARER_SCOPE"           // URI: the text itself
	OAuthAudience = "OAUTHBEARER_AUDIENCE"        // URI: the text itself
	OAuthCluster  = "OAUTHBEARER_LOGICAL_CLUSTER" // URI: the text of an extension for the broker
	OAuthPool     = "OAUTHBEARER_IDENTITY_POOL"   // the same
	IAM           = "IAM_AUTH"                    // no URI: AWS's credentials sign
	IAMOAuth      = "IAM_OAUTHBEARER_AUTH"        // no URI: AWS's web identity
)

func logins() []string {
	return []string{BasicAuth, ScramSHA256, ScramSHA512, ClientTLS, OAuth, IAM, IAMOAuth}
}

func extras() []string { return []string{OAuthScope, OAuthAudience, OAuthCluster, OAuthPool} }

// AccessTypes are all types gantry takes.
func AccessTypes() []string { return append(append(logins(), extras()...), ServerRootCA) }

// Login says whether the type is a way to say who one is; a source has at most one.
func (a Access) Login() bool { return slices.Contains(logins(), a.Type) }

// Literal says whether the URI is text and no reference to a secret.
func (a Access) Literal() bool { return slices.Contains(extras(), a.Type) }

// Bare says whether the type has no URI.
func (a Access) Bare() bool { return a.Type == IAM || a.Type == IAMOAuth }

// AccessFaults are the faults in what is given together: AWS's rules, without the entries
// themselves.
func AccessFaults(access []Access) []error {
	var errs []error
	var who []string
	count := map[string]int{}
	for _, a := range access {
		if count[a.Type]++; count[a.Type] == 2 && (a.Login() || a.Literal() || a.Type == ServerRootCA) {
			errs = append(errs, fmt.Errorf("%s is given twice", a.Type))
		}
		if a.Login() && count[a.Type] == 1 {
			who = append(who, a.Type)
		}
	}
	if len(who) > 1 {
		errs = append(errs, fmt.Errorf("at most one type of authentication, not %s", strings.Join(who, " and ")))
	}
	for _, extra := range extras() {
		switch {
		case count[extra] == 0 || count[OAuth] > 0:
		case count[IAMOAuth] == 0:
			errs = append(errs, fmt.Errorf("%s needs %s beside it", extra, OAuth))
		case extra != OAuthAudience:
			errs = append(errs, fmt.Errorf("%s does not apply to %s, which takes %s alone", extra, IAMOAuth, OAuthAudience))
		}
	}
	if count[IAMOAuth] > 0 && count[OAuthAudience] == 0 {
		errs = append(errs, fmt.Errorf("%s needs %s beside it", IAMOAuth, OAuthAudience))
	}
	return errs
}
