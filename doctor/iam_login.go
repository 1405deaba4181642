package doctor

import (
	"cmp"

	"gantry/kafka"
	"gantry/mapping"
)

// entry is the entry of the mapping's cluster with the login that is used there: that of
// the source's own access wins, as it does where the cluster is reached.
func (n Needing) entry() kafka.Config {
	c := n.Cluster
	c.ARN = cmp.Or(c.ARN, n.Mapping.Source.ARN)
	tls := kafka.TLSConfig{}
	if c.TLS != nil {
		tls = *c.TLS
	}
	c.TLS = &tls
	for _, a := range n.Mapping.Source.Identity() {
		if a.Type == mapping.ServerRootCA {
			tls.CA = ""
		}
		if !a.Login() {
			continue
		}
		tls.Cert, tls.Key, tls.KeyPassword = "", "", ""
		switch a.Type {
		case mapping.IAM:
			c.SASL = &kafka.SASLConfig{Mechanism: kafka.MSKIAM}
		case mapping.IAMOAuth:
			c.SASL = &kafka.SASLConfig{Mechanism: kafka.OAuthBearer, OAuth: &kafka.OAuthConfig{WebIdentity: true}}
		default:
			c.SASL = nil // its secret is one of the source's
		}
	}
	return c
}
