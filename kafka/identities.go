package kafka

import (
	"encoding/json"
	"fmt"
	"sync"
)

// Identities are shared by the mappings of a process: those that log in alike use one
// token and one Kerberos client, so that a thousand mappings do not ask the identity
// provider a thousand times. Safe for use by many goroutines.
type Identities struct {
	mu    sync.Mutex
	known map[string]identity
}

// get gives the identity known under key, or makes it. Keys hold references, no secrets.
func (s *Identities) get(key string, make func() identity) identity {
	if s == nil {
		return make()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]identity{}
	}
	if s.known[key] == nil {
		s.known[key] = make()
	}
	return s.known[key]
}

// entrance is a Resolver on the way to one cluster: what an identity fetches from
// elsewhere, a token or a ticket, it fetches by the way of the cluster.
type entrance struct {
	Resolver
	way  way
	file string // the client file whose references Secrets knows; "" = none
}

// identity is who the section sasl says one is.
func (e entrance) identity(c SASLConfig) identity {
	key, err := json.Marshal(c)
	if err != nil { // a struct of text alone always has a form
		return e.newIdentity(c)
	}
	where := fmt.Sprintf("%q %q ", e.way.names, e.file)
	return e.Identities.get(where+string(key), func() identity { return e.newIdentity(c) })
}

func (e entrance) newIdentity(c SASLConfig) identity {
	switch c.Mechanism {
	case OAuthBearer:
		var extra OAuthConfig
		if c.OAuth != nil {
			extra = *c.OAuth
		}
		if c.Secret != "" {
			return e.secretOAuth(c.Secret, extra)
		}
		return e.oauthIdentity(extra)
	case GSSAPI:
		return e.kerberosIdentity(*c.Kerberos)
	case MSKIAM:
		var iam IAMConfig
		if c.IAM != nil {
			iam = *c.IAM
		}
		return e.iamIdentity(iam)
	}
	return passwords{mechanism: c.Mechanism, login: c.login(e.Secrets)}
}
