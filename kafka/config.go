package kafka

import (
	"errors"
	"fmt"
	"net"
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
	// Embedded asks for the built-in development broker. Whoever starts it fills in Brokers.
	Embedded bool `yaml:"embedded"`

	Properties     string `yaml:"properties"`     // refused for now
	SchemaRegistry any    `yaml:"schemaRegistry"` // refused for now
}

// TLSConfig says whom to trust and who one is. An empty one trusts the system's roots.
type TLSConfig struct {
	CA          string `yaml:"ca"`          // ref: PEM roots, instead of the system's
	Cert        string `yaml:"cert"`        // ref: PEM chain, the client's certificate first
	Key         string `yaml:"key"`         // ref: PEM key
	KeyPassword string `yaml:"keyPassword"` // ref, for an encrypted key
}

// SASLConfig says who one is by name: either one secret with username and password, or
// two references.
type SASLConfig struct {
	Mechanism Mechanism `yaml:"mechanism"`
	Secret    string    `yaml:"secret"`
	Username  string    `yaml:"username"`
	Password  string    `yaml:"password"`
}

// Validate names every fault at once, each with the member it is in.
func (c Config) Validate() error {
	var errs []error
	if c.Properties != "" {
		errs = append(errs, errors.New("properties: a Java client's file is not supported yet; write brokers, tls and sasl instead"))
	}
	if c.SchemaRegistry != nil {
		errs = append(errs, errors.New("schemaRegistry: is not supported yet; leave it out"))
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
		if len(c.Brokers) > 0 || c.TLS != nil || c.SASL != nil {
			return []error{errors.New("embedded: the built-in broker has no brokers, tls or sasl; leave them out")}
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
	return errs
}

func (c *SASLConfig) faults() []error {
	var errs []error
	known := []Mechanism{Plain, ScramSHA256, ScramSHA512}
	switch {
	case c.Mechanism == "":
		errs = append(errs, fmt.Errorf("sasl.mechanism: is missing; want one of %v", known))
	case !slices.Contains(known, c.Mechanism):
		errs = append(errs, fmt.Errorf("sasl.mechanism: %q is not supported; want one of %v", c.Mechanism, known))
	}
	single, pair := c.Secret != "", c.Username != "" || c.Password != ""
	switch {
	case single && pair:
		errs = append(errs, errors.New("sasl.secret: contradicts username and password; keep one of the two"))
	case !single && (c.Username == "" || c.Password == ""):
		errs = append(errs, errors.New("sasl.secret: is missing; name a secret with username and password, or give both as references"))
	}
	return errs
}
