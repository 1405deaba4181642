package kafka

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Config is one entry of `clusters:` in the configuration file. Every value that is a
// password, a key or a certificate is a reference to a secret, never the thing itself.
type Config struct {
	Brokers []string    `yaml:"brokers"`
	TLS     *TLSConfig  `yaml:"tls"`
	SASL    *SASLConfig `yaml:"sasl"`
	ARN     string      `yaml:"arn"` // an MSK cluster's ARN that stands for this cluster
	// AllowPlaintext permits connections without TLS to brokers on other machines, and
	// SASL without TLS.
	AllowPlaintext bool `yaml:"allowPlaintext"`
	// Network names the entries of `networks:` that say how the brokers are reached.
	Network []string `yaml:"network"`
	// Embedded asks for the built-in development broker. Whoever starts it fills in Brokers.
	Embedded bool `yaml:"embedded"`

	// ClientID is what brokers' quotas and request logs know gantry by; "" = gantry.
	ClientID string `yaml:"clientId"`
	// Properties is the path of a Java client's file that says all of this (FromProperties).
	Properties string `yaml:"properties"`

	client *clientSource // Properties, read; nil = not from a file
}

// TLSConfig says whom to trust and who one is. An empty one trusts the system's roots.
type TLSConfig struct {
	CA          string `yaml:"ca"`          // ref: PEM roots, instead of the system's
	Cert        string `yaml:"cert"`        // ref: PEM chain, the client's certificate first
	Key         string `yaml:"key"`         // ref: PEM key
	KeyPassword string `yaml:"keyPassword"` // ref, for an encrypted key

	// AnyHostname takes a broker's certificate for any name, as long as a trusted
	// authority signed it (ssl.endpoint.identification.algorithm= of Java's clients).
	AnyHostname  bool     `yaml:"anyHostname"`
	Protocols    []string `yaml:"protocols"`    // of TLSv1.2, TLSv1.3; none = both
	CipherSuites []string `yaml:"cipherSuites"` // for TLS 1.2, by their registered names; none = Go's own choice
}

// SASLConfig says who one is. Which members count depends on the mechanism:
//
//   - PLAIN, SCRAM-SHA-256, SCRAM-SHA-512: either Secret, one secret with username and
//     password, or the two references;
//   - OAUTHBEARER: either OAuth, or Secret, one secret in AWS's words (oauthTokenEndpointUrl,
//     oauthClientId, …), to which OAuth may then add scope, audience and extensions;
//   - GSSAPI: Kerberos;
//   - AWS_MSK_IAM: IAM, which may be left out.
type SASLConfig struct {
	Mechanism Mechanism `yaml:"mechanism"`
	Secret    string    `yaml:"secret"`
	Username  string    `yaml:"username"`
	Password  string    `yaml:"password"`
	// DelegationToken: SCRAM with the id and the HMAC of a delegation token (KIP-48).
	DelegationToken bool            `yaml:"delegationToken"`
	OAuth           *OAuthConfig    `yaml:"oauth"`
	Kerberos        *KerberosConfig `yaml:"kerberos"`
	IAM             *IAMConfig      `yaml:"iam"`
}

// Validate names every fault at once, each with the member it is in.
func (c Config) Validate() error {
	var errs []error
	if c.Properties != "" && c.client == nil && (len(c.Brokers) > 0 || c.TLS != nil || c.SASL != nil || c.AllowPlaintext || c.Embedded || c.ClientID != "") {
		errs = append(errs, errors.New("properties: contradicts brokers, tls, sasl, clientId and allowPlaintext, which the client file says; beside it there may be arn and network alone"))
	}
	if c.ARN != "" && !strings.HasPrefix(c.ARN, "arn:") {
		errs = append(errs, fmt.Errorf("arn: %q is no ARN; want arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID", c.ARN))
	}
	errs = append(errs, c.brokerFaults()...)
	if c.TLS != nil {
		errs = append(errs, c.TLS.faults(c.AllowPlaintext)...)
	}
	if c.SASL != nil {
		errs = append(errs, c.SASL.faults()...)
	}
	return errors.Join(errs...)
}

func (c Config) brokerFaults() []error {
	if c.Embedded {
		if len(c.Brokers) > 0 || c.TLS != nil || c.SASL != nil || len(c.Network) > 0 {
			return []error{errors.New("embedded: the built-in broker has no brokers, tls, sasl or network; leave them out")}
		}
		return nil
	}
	if len(c.Brokers) == 0 && c.Properties == "" {
		return []error{errors.New("brokers: is missing; want a list of host:port")}
	}
	var errs []error
	for _, broker := range c.Brokers {
		if err := checkAddress(broker); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %w", err))
		}
	}
	return errs
}

// checkAddress takes what Kafka takes for a bootstrap server: host:port without a scheme.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || host == "" || strings.Contains(host, "/") || bad != nil || n < 1 || n > 65_535 {
		return fmt.Errorf("%q is no host:port", address)
	}
	return nil
}

func (c *TLSConfig) faults(plaintext bool) []error {
	var errs []error
	if plaintext {
		errs = append(errs, errors.New("allowPlaintext: contradicts tls; leave one out"))
	}
	if c.Cert != "" && c.Key == "" {
		errs = append(errs, errors.New("tls.key: is missing; a client certificate needs its key"))
	}
	if c.Cert == "" && c.Key != "" {
		errs = append(errs, errors.New("tls.cert: is missing; a key needs its client certificate"))
	}
	if c.KeyPassword != "" && c.Key == "" {
		errs = append(errs, errors.New("tls.keyPassword: there is no key it could open"))
	}
	return append(errs, c.optionFaults()...)
}

func (c *SASLConfig) faults() []error {
	known := []Mechanism{Plain, ScramSHA256, ScramSHA512, OAuthBearer, GSSAPI, MSKIAM}
	var errs []error
	switch c.Mechanism {
	case "":
		errs = append(errs, fmt.Errorf("sasl.mechanism: is missing; want one of %v", known))
	case Plain, ScramSHA256, ScramSHA512:
		errs = c.passwordFaults()
	case OAuthBearer:
		errs = c.oauthFaults()
	case GSSAPI:
		if c.Kerberos == nil {
			errs = append(errs, errors.New("sasl.kerberos: is missing; want principal and keytab"))
		}
	case MSKIAM:
	default:
		errs = append(errs, fmt.Errorf("sasl.mechanism: %q is not supported; want one of %v", c.Mechanism, known))
	}
	return append(errs, c.strayFaults()...)
}

func (c *SASLConfig) passwordFaults() []error {
	single, pair := c.Secret != "", c.Username != "" || c.Password != ""
	switch {
	case single && pair:
		return []error{errors.New("sasl.secret: contradicts username and password; keep one of the two")}
	case !single && (c.Username == "" || c.Password == ""):
		return []error{errors.New("sasl.secret: is missing; name a secret with username and password, or give both as references")}
	}
	return nil
}

func (c *SASLConfig) oauthFaults() []error {
	switch {
	case c.Secret == "" && c.OAuth == nil:
		return []error{errors.New("sasl.oauth: is missing; want tokenEndpoint, clientId and clientSecret, or name a secret in AWS's words (oauthTokenEndpointUrl, …)")}
	case c.Secret == "":
		return c.OAuth.faults()
	case c.OAuth == nil:
		return nil
	}
	if extra := (OAuthConfig{Scope: c.OAuth.Scope, Audience: c.OAuth.Audience, Extensions: c.OAuth.Extensions}); !reflect.DeepEqual(extra, *c.OAuth) {
		return []error{errors.New("sasl.secret: contradicts sasl.oauth; beside a secret it may hold scope, audience and extensions alone")}
	}
	return c.OAuth.extensionFaults()
}

// strayFaults names members of another mechanism, and those of a section of its own.
func (c *SASLConfig) strayFaults() []error {
	var errs []error
	stray := func(given bool, member string, of ...Mechanism) {
		if given && c.Mechanism != "" && !slices.Contains(of, c.Mechanism) {
			errs = append(errs, fmt.Errorf("sasl.%s: is not for %s, but for %v", member, c.Mechanism, of))
		}
	}
	stray(c.Secret != "", "secret", Plain, ScramSHA256, ScramSHA512, OAuthBearer)
	stray(c.Username != "" || c.Password != "", "username", Plain, ScramSHA256, ScramSHA512)
	stray(c.DelegationToken, "delegationToken", ScramSHA256, ScramSHA512)
	stray(c.OAuth != nil, "oauth", OAuthBearer)
	stray(c.Kerberos != nil, "kerberos", GSSAPI)
	stray(c.IAM != nil, "iam", MSKIAM)
	if c.Kerberos != nil {
		errs = append(errs, c.Kerberos.faults()...)
	}
	if c.IAM != nil {
		errs = append(errs, c.IAM.faults()...)
	}
	return errs
}
