package kafka

import "context"

// UnknownPrincipal stands for a principal that gantry can't know: the broker makes it of
// a ticket or a token.
const UnknownPrincipal = "User:NAME"

// Principal is who gantry is to the brokers' ACLs, as Kafka makes it by default of a login
// by password or of a client certificate; else UnknownPrincipal.
func (c Cluster) Principal(ctx context.Context) string {
	if p, ok := c.who().(passwords); ok {
		if login, err := p.login(ctx); err == nil && login.User != "" {
			return "User:" + login.User
		}
		return UnknownPrincipal
	}
	if c.who() == nil && c.TLS != nil && len(c.TLS.Certificates) > 0 && c.TLS.Certificates[0].Leaf != nil {
		return "User:" + c.TLS.Certificates[0].Leaf.Subject.String()
	}
	if c.who() == nil {
		return "User:ANONYMOUS"
	}
	return UnknownPrincipal
}
