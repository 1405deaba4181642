package doctor

import (
	"cmp"
	"slices"

	"gantry/function"
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

// others are the entries of clusters beside the source's: those that answers go to, and
// what functions write in the middle of their work or as ready-made ones.
func (n Needing) others() []kafka.Config {
	var names []string
	if n.Mapping.Output != nil {
		names = append(names, n.Mapping.Output.Cluster)
	}
	for _, fn := range n.Functions {
		if fn.Produce != nil {
			names = append(names, fn.Produce.Cluster)
		}
		if fn.Kind == function.InProcess && fn.Integration == "kafka" {
			names = append(names, fn.Settings["cluster"])
		}
	}
	slices.Sort(names)
	var out []kafka.Config
	for _, name := range slices.Compact(names) {
		if c, ok := n.Clusters[name]; ok && name != n.Mapping.Source.Cluster {
			out = append(out, c)
		}
	}
	return out
}

// logins are what logging in to clusters takes of STS: the roles that are assumed, and the
// token that AWS makes of gantry's own identity.
func (i *IAM) logins(n Needing) {
	var roles []string
	token := false
	for _, c := range append([]kafka.Config{n.Cluster}, n.others()...) {
		if roleOf(c) && !slices.Contains(roles, c.SASL.IAM.Role) {
			roles = append(roles, c.SASL.IAM.Role)
			i.Notes = append(i.Notes, "what the cluster asks is granted to "+c.SASL.IAM.Role+", whose trust policy has to name gantry's identity")
		}
		token = token || c.SASL != nil && c.SASL.OAuth != nil && c.SASL.OAuth.WebIdentity
	}
	if len(roles) > 0 {
		i.allow("AssumeTheClustersRole", []string{"sts:AssumeRole"}, roles...)
	}
	if token {
		i.allow("GetATokenOfItsOwn", []string{"sts:GetWebIdentityToken"}, "*")
	}
}
