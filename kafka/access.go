package kafka

import (
	"fmt"
	"slices"
	"strings"

	"gantry/mapping"
)

// authTypes are the access types that say who one is; a source has at most one of them.
func authTypes() map[string]Mechanism {
	return map[string]Mechanism{
		mapping.BasicAuth: Plain, mapping.ScramSHA256: ScramSHA256, mapping.ScramSHA512: ScramSHA512, mapping.ClientTLS: "",
	}
}

// laterTypes are AWS's access types gantry does not take yet.
func laterTypes() []string {
	return []string{
		"OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE", "OAUTHBEARER_AUDIENCE",
		"OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH",
	}
}

// accessFaults checks a source's access without reading any secret.
func accessFaults(access []mapping.Access) []error {
	var errs []error
	var logins []string
	count := map[string]int{}
	for _, a := range access {
		_, login := authTypes()[a.Type]
		switch {
		case slices.Contains(laterTypes(), a.Type):
			errs = append(errs, fmt.Errorf("source access %s is not supported yet", a.Type))
			continue
		case !login && a.Type != mapping.ServerRootCA:
			errs = append(errs, fmt.Errorf("source access %q is not known for Kafka", a.Type))
			continue
		case a.URI == "":
			errs = append(errs, fmt.Errorf("source access %s: the URI of its secret is missing", a.Type))
		}
		if count[a.Type]++; count[a.Type] == 2 {
			errs = append(errs, fmt.Errorf("source access %s is given more than once", a.Type))
		}
		if login && count[a.Type] == 1 {
			logins = append(logins, a.Type)
		}
	}
	if len(logins) > 1 {
		errs = append(errs, fmt.Errorf("source access has more than one way to log in (%s); keep one", strings.Join(logins, ", ")))
	}
	return errs
}

// override lets access given with the source win over that of its cluster: a login
// replaces login and client certificate, a CA replaces the CA.
func (t *terms) override(access []mapping.Access, s Secrets) {
	for _, a := range access {
		if a.Type == mapping.ServerRootCA {
			t.setCA(a.URI, s)
			continue
		}
		t.secure, t.authRefs = true, []string{a.URI}
		t.identity, t.pair = nil, nil
		if a.Type == mapping.ClientTLS {
			t.pair = secretPair(a.URI, s)
			continue
		}
		t.identity = passwords{mechanism: authTypes()[a.Type], login: secretLogin(a.URI, s)}
	}
}
