package kafka

import (
	"errors"
	"fmt"
	"strings"
)

// KerberosConfig says who one is to a broker that asks for Kerberos (GSSAPI): exactly one
// of Keytab, Password and Cache. Paths are of files, as Kerberos' own tools have them;
// each is read again for every login, so a rotated keytab or a renewed cache is picked up.
type KerberosConfig struct {
	// Principal is name@REALM or name/instance@REALM; without a realm, default_realm of
	// the configuration counts. With Cache it may be left out: a cache has its owner.
	Principal string `yaml:"principal"`
	Keytab    string `yaml:"keytab"`   // path
	Password  string `yaml:"password"` // ref
	Cache     string `yaml:"cache"`    // path of a credential cache (MIT's FILE type, as kinit makes it)
	Config    string `yaml:"config"`   // path of krb5.conf; "" = /etc/krb5.conf
	// Service is the first part of the brokers' principal, SERVICE/host@REALM:
	// sasl.kerberos.service.name of the brokers. "" = kafka.
	Service string `yaml:"service"`
	// NoFAST leaves out the negotiation of FAST, which old KDCs of Active Directory
	// answer with an error.
	NoFAST bool `yaml:"noFast"`
}

// DefaultKerberosService and DefaultKerberosConfig are what is usual.
const (
	DefaultKerberosService = "kafka"
	DefaultKerberosConfig  = "/etc/krb5.conf"
)

func (c *KerberosConfig) faults() []error {
	var errs []error
	var ways []string
	for _, way := range []struct{ name, value string }{{"keytab", c.Keytab}, {"password", c.Password}, {"cache", c.Cache}} {
		if way.value != "" {
			ways = append(ways, way.name)
		}
	}
	switch {
	case len(ways) == 0:
		errs = append(errs, errors.New("sasl.kerberos.keytab: is missing; give keytab, password or cache"))
	case len(ways) > 1:
		errs = append(errs, fmt.Errorf("sasl.kerberos.%s: contradicts %s; keep one of them", ways[0], strings.Join(ways[1:], " and ")))
	}
	name, realm, given := strings.Cut(c.Principal, "@")
	switch {
	case c.Principal == "" && c.Cache == "":
		errs = append(errs, errors.New("sasl.kerberos.principal: is missing; want name@REALM"))
	case c.Principal != "" && (name == "" || (given && realm == "") || strings.ContainsAny(c.Principal, " \t") || strings.Contains(realm, "@")):
		errs = append(errs, fmt.Errorf("sasl.kerberos.principal: %q is no principal; want name@REALM or name/instance@REALM", c.Principal))
	}
	if strings.ContainsAny(c.Service, "/@ ") {
		errs = append(errs, fmt.Errorf("sasl.kerberos.service: %q is no service name; want the part before the slash, usually kafka", c.Service))
	}
	return errs
}
