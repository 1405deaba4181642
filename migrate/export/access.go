package export

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"gantry/kafka"
	"gantry/mapping"
)

// The extensions of OAUTHBEARER that AWS has words for.
var oauthExtensions = map[string]string{"logicalCluster": mapping.OAuthCluster, "identityPoolId": mapping.OAuthPool}

// maxBrokers is what AWS's list of bootstrap servers takes.
const maxBrokers = 10

var (
	awsBroker  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}$`)
	subnetID   = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	securityID = regexp.MustCompile(`^sg-[0-9a-f]{8,17}$`)
)

const (
	loopbackTo  = "AWS does not reach them: name brokers that it does"
	networkless = "AWS reaches the brokers over the internet or in the subnets and security group that the template asks for"
)

// login finds how AWS's pollers reach and log in to the source of a mapping: what it says
// itself, else what its cluster says.
func (b *builder) login(s *sourcePart, c Case) {
	src := c.Mapping.Source
	s.arn = src.ARN
	if s.arn == "" && c.Cluster.ARN != "" {
		s.arn = c.Cluster.ARN
		b.sourceLack(s, "event-source", "EventSourceArn", "its events say "+mapping.SelfManagedType, mapping.MSKType+", and the ARN of the cluster")
	}
	s.bootstrap = src.Bootstrap
	if len(s.bootstrap) == 0 {
		s.bootstrap = c.Cluster.Brokers
	}
	if s.arn == "" {
		b.brokerLacks(s)
	}
	if who := src.Identity(); len(who) > 0 {
		b.ownLogin(s, who)
	} else {
		b.clusterLogin(s, c.Cluster)
	}
	b.way(s, src, c.Cluster)
}

func (b *builder) sourceLack(s *sourcePart, name, place, here, there string) {
	b.lack(s.id, place, Feature{Name: name, Of: "mapping " + nameOf(s.m), Here: here, There: there})
}

func (b *builder) brokerLacks(s *sourcePart) {
	const place = "SelfManagedEventSource"
	if len(s.bootstrap) > maxBrokers {
		b.sourceLack(s, "broker-address", place, fmt.Sprintf("%d bootstrap servers", len(s.bootstrap)), "the first 10; the cluster tells of the others")
		s.bootstrap = s.bootstrap[:maxBrokers]
	}
	var odd, near []string
	for _, address := range s.bootstrap {
		host, _, _ := net.SplitHostPort(address)
		ip, err := netip.ParseAddr(host)
		if err == nil && ip.IsLoopback() || host == "localhost" {
			near = append(near, address)
		}
		if !awsBroker.MatchString(address) {
			odd = append(odd, address)
		}
	}
	if len(odd) > 0 {
		b.sourceLack(s, "broker-address", place, "brokers "+strings.Join(odd, ", "), "AWS's API refuses IPv6 addresses and underscores: give them other names")
	}
	if len(near) > 0 {
		b.sourceLack(s, "loopback", place, "brokers "+strings.Join(near, ", "), loopbackTo)
	}
}

// ownLogin is what the mapping says itself, in AWS's words already. A secret that is not in
// Secrets Manager is asked for.
func (b *builder) ownLogin(s *sourcePart, access []mapping.Access) {
	for _, a := range access {
		switch {
		case a.Bare():
			s.access = append(s.access, accessPart{kind: a.Type})
		case a.Literal():
			b.give(s, a.Type, lit(a.URI))
		default:
			b.give(s, a.Type, b.secretFor(s, a.Type, a.URI))
		}
	}
}

func (b *builder) give(s *sourcePart, kind string, uri value) {
	s.access = append(s.access, accessPart{kind, &uri})
}

// cluster is what the template calls the source's cluster.
func (s *sourcePart) cluster() string { return cmp.Or(s.m.Source.Cluster, "kafka") }

// secretKey is what the template calls a secret of the source's cluster.
func secretKey(kind string, s *sourcePart) string {
	of := s.cluster()
	switch kind {
	case mapping.ServerRootCA:
		return of + "-root-ca-secret"
	case mapping.ClientTLS:
		return of + "-client-certificate-secret"
	}
	return of + "-login-secret"
}

// secretFor gives the ARN of the secret that an access is about: where the source has it
// already, else where whoever deploys has put it.
func (b *builder) secretFor(s *sourcePart, kind, ref string) value {
	return b.secret(ref, secretKey(kind, s), secretAbout(kind, s))
}

func secretAbout(kind string, s *sourcePart) string {
	about := "ARN of a secret of Secrets Manager, in the region of the function, "
	switch kind {
	case mapping.ServerRootCA:
		return about + `{"certificate": "PEM of the root that signed the brokers' certificates"}`
	case mapping.ClientTLS:
		return about + `{"certificate": "PEM chain", "privateKey": "PEM, PKCS#8", "privateKeyPassword": "where it is encrypted, PBES1"}`
	case mapping.OAuth:
		return about + `{"oauthTokenEndpointUrl", "oauthClientId", and "oauthClientSecret" or "oauthPrivateKey" with "oauthClientEmail"}`
	}
	return about + `{"username": …, "password": …} for group ` + s.group
}

// clusterLogin says an entry of clusters: in AWS's words.
func (b *builder) clusterLogin(s *sourcePart, c kafka.Config) {
	b.tls(s, c)
	if c.SASL == nil {
		return
	}
	const place = "SourceAccessConfigurations"
	if c.TLS == nil && c.SASL.Mechanism != kafka.MSKIAM && c.AllowPlaintext {
		b.sourceLack(s, "plaintext-login", place, "a SASL login without TLS", "AWS logs in over TLS alone: give the brokers such a listener")
	}
	if c.SASL.DelegationToken {
		b.sourceLack(s, "delegation-token", place, "a delegation token", "a user and a password")
	}
	switch c.SASL.Mechanism {
	case kafka.Plain:
		b.give(s, mapping.BasicAuth, b.secretFor(s, "", c.SASL.Secret))
	case kafka.ScramSHA256:
		b.give(s, mapping.ScramSHA256, b.secretFor(s, "", c.SASL.Secret))
	case kafka.ScramSHA512:
		b.give(s, mapping.ScramSHA512, b.secretFor(s, "", c.SASL.Secret))
	case kafka.OAuthBearer:
		b.oauth(s, c.SASL)
	case kafka.GSSAPI:
		b.sourceLack(s, "kerberos", place, "logs in with Kerberos", "no login: give the brokers a listener with SCRAM, mTLS or OAUTHBEARER and name its secret here")
	case kafka.MSKIAM:
		if s.arn == "" {
			s.access = append(s.access, accessPart{kind: mapping.IAM})
		}
	}
}

func (b *builder) tls(s *sourcePart, c kafka.Config) {
	t := c.TLS
	if t == nil {
		return
	}
	const place = "SourceAccessConfigurations"
	if t.AnyHostname || len(t.Protocols) > 0 || len(t.CipherSuites) > 0 {
		b.sourceLack(s, "tls-options", place, "anyHostname, protocols or cipherSuites of TLS", "AWS checks names of brokers and has its own protocols")
	}
	if t.CA != "" && s.arn == "" {
		b.give(s, mapping.ServerRootCA, b.secretFor(s, mapping.ServerRootCA, ""))
	}
	switch {
	case t.Cert == "":
	case c.SASL != nil:
		b.sourceLack(s, "client-certificate", place, "a client certificate beside the SASL login", "one of the two: the login")
	default:
		b.give(s, mapping.ClientTLS, b.secretFor(s, mapping.ClientTLS, ""))
	}
}

func (b *builder) oauth(s *sourcePart, sasl *kafka.SASLConfig) {
	const place = "SourceAccessConfigurations"
	o := sasl.OAuth
	if o == nil {
		o = &kafka.OAuthConfig{}
	}
	if o.WebIdentity {
		s.access = append(s.access, accessPart{kind: mapping.IAMOAuth})
		b.give(s, mapping.OAuthAudience, lit(o.Audience))
		return
	}
	if o.Token != "" || o.Assertion != "" {
		b.sourceLack(s, "oauth", place, "a ready token or assertion", "a client secret or a private key, in a secret")
	}
	b.give(s, mapping.OAuth, b.secretFor(s, mapping.OAuth, sasl.Secret))
	if o.Scope != "" {
		b.give(s, mapping.OAuthScope, lit(o.Scope))
	}
	if o.Audience != "" {
		b.give(s, mapping.OAuthAudience, lit(o.Audience))
	}
	var others []string
	for name, text := range o.Extensions {
		if oauthExtensions[name] == "" {
			others = append(others, name)
			continue
		}
		b.give(s, oauthExtensions[name], lit(text))
	}
	slices.SortStableFunc(s.access, func(x, y accessPart) int {
		return slices.Index(mapping.AccessTypes(), x.kind) - slices.Index(mapping.AccessTypes(), y.kind)
	})
	if slices.Sort(others); len(others) > 0 {
		b.sourceLack(s, "oauth", place, "extensions "+strings.Join(others, ", "), "logicalCluster and identityPoolId alone")
	}
}

// way finds the VPC. AWS reaches an MSK cluster by itself; a self-managed one that it is
// not told a login of is only taken inside of a VPC.
func (b *builder) way(s *sourcePart, src mapping.Source, c kafka.Config) {
	var subnets, groups, others []string
	for _, name := range append(src.NetworkNames(), c.Network...) {
		switch {
		case subnetID.MatchString(name):
			subnets = append(subnets, name)
		case securityID.MatchString(name):
			groups = append(groups, name)
		default:
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		b.sourceLack(s, "networks", "SourceAccessConfigurations", "reaches the brokers through "+strings.Join(others, ", "), networkless)
	}
	if s.arn != "" {
		return
	}
	authenticated := slices.ContainsFunc(s.access, func(a accessPart) bool { return mapping.Access{Type: a.kind}.Login() })
	if len(others) == 0 && len(subnets) == 0 && authenticated {
		return
	}
	b.vpc(s, subnets, groups)
}

func (b *builder) vpc(s *sourcePart, subnets, groups []string) {
	for _, name := range subnets {
		b.give(s, mapping.VPCSubnet, lit("subnet:"+name))
	}
	if len(subnets) == 0 {
		for _, n := range []string{"one", "two"} {
			p := b.ask(parameter{key: s.cluster() + "-subnet-" + n, about: "A subnet from which the brokers are reached", shape: "AWS::EC2::Subnet::Id"})
			b.give(s, mapping.VPCSubnet, join(lit("subnet:"), p))
		}
	}
	for _, name := range groups {
		b.give(s, mapping.VPCSecurityGroup, lit("security_group:"+name))
	}
	if len(groups) == 0 {
		p := b.ask(parameter{key: s.cluster() + "-security-group", about: "A security group that may reach the brokers", shape: "AWS::EC2::SecurityGroup::Id"})
		b.give(s, mapping.VPCSecurityGroup, join(lit("security_group:"), p))
	}
	s.notes.add("SourceAccessConfigurations", "the pollers run in this VPC; without provisioned mode they need its ways to Lambda, STS, Secrets Manager and the destination")
}
