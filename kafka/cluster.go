// Package kafka is gantry's way to Kafka clusters: how one is reached and as whom, what
// is asked of it, and what it means when it refuses.
//
// The flow: the configuration's `clusters:` entries (Config) and what a mapping says of
// its source meet in a Resolver and become a Cluster, one way to reach one cluster as one
// principal. Admin, Producer and the poll stage are opened from it through Options. An
// error of any of them becomes words for people and AWS's state texts in Diagnose.
//
// Invariants: passwords and keys are asked for at every authentication and every TLS
// handshake, so a rotated secret is picked up without a restart, and a failed
// authentication forgets what was kept. No kgo type leaves this package but through
// Options. Errors are told apart by type, never by text.
package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Cluster is one way to reach one cluster as one principal. It is a value: copy it and
// change the copy. The zero value of everything but Brokers means plaintext without login.
type Cluster struct {
	Brokers  []string // host:port
	ClientID string   // "" = gantry

	// TLS is the configuration of connections; nil = plaintext. One that came from a
	// Resolver is only the first: certificates are read again for every connection.
	TLS *tls.Config

	Mechanism Mechanism // "" = no SASL
	// Login gives user and password to mechanisms that want them. It is called for every
	// authentication. A cluster that came from a Resolver knows by itself who one is.
	Login func(ctx context.Context) (Login, error)

	// Dial opens connections; nil = a plain dialer with TCP keep-alive after 30 s.
	Dial Dialer

	// OnConnect hears of every attempt to connect to a broker (host:port): nil for one that worked, else a
	// *ConnectError. kgo retries connections silently; this is how one learns of it.
	// It is called by many goroutines and must not block.
	OnConnect func(broker string, err error)

	renew    func(ctx context.Context) (*tls.Config, error)
	identity identity // nil = Login counts
	forget   func()   // drops kept secrets after a refused authentication
}

// Dialer opens a connection to host:port.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Mechanism is a SASL mechanism, named as Kafka names it.
type Mechanism string

// The mechanisms gantry speaks.
const (
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
	GSSAPI      Mechanism = "GSSAPI"      // Kerberos
	MSKIAM      Mechanism = "AWS_MSK_IAM" // as Amazon calls it; what is sent is an OAUTHBEARER token
)

// Login is who gantry is to a cluster. Printing it shows the user alone.
type Login struct {
	User     string
	Password string
	Token    bool // they are the id and the HMAC of a delegation token; SCRAM alone
}

func (l Login) String() string { return l.User + " (password hidden)" }

// Format keeps the password from every verb.
func (l Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }

// LogValue keeps the password from structured logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// MarshalText keeps the password from JSON and YAML.
func (l Login) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Security names how connections are secured, as Kafka's security.protocol does.
func (c Cluster) Security() string {
	switch login := c.who() != nil; {
	case c.TLS != nil && login:
		return "SASL_SSL"
	case c.TLS != nil:
		return "SSL"
	case login:
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

// Options are what a kgo client needs to reach the cluster; the caller adds what it does
// there.
func (c Cluster) Options() []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(cmp.Or(c.ClientID, "gantry")),
		kgo.Dialer(c.Connect),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(connectHook{cluster: c}),
	}
	if who := c.who(); who != nil {
		options = append(options, kgo.SASL(mechanism{who}))
	}
	return options
}

// who gives the identity for SASL; nil = none.
func (c Cluster) who() identity {
	if c.identity == nil && c.Login != nil {
		return passwords{mechanism: c.Mechanism, login: c.Login}
	}
	return c.identity
}
