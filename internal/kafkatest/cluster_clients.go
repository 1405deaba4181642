package kafkatest

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Brokers gives the plaintext addresses.
func (c *Cluster) Brokers() []string { return c.addresses(func(p ports) int { return p.plain }) }

// SASLBrokers gives the addresses that want TLS and a password.
func (c *Cluster) SASLBrokers() []string { return c.addresses(func(p ports) int { return p.sasl }) }

// MTLSBrokers gives the addresses that want a client's certificate.
func (c *Cluster) MTLSBrokers() []string { return c.addresses(func(p ports) int { return p.mtls }) }

// TapBrokers gives the addresses at which Options.Tap stands. Whoever begins there stays
// there: the brokers name no other address to it.
func (c *Cluster) TapBrokers() []string { return c.addresses(func(p ports) int { return p.tap }) }

func (c *Cluster) addresses(port func(ports) int) []string {
	var all []string
	for _, b := range c.brokers {
		all = append(all, fmt.Sprintf("%s:%d", c.options.name(), port(b.ports)))
	}
	return all
}

// Options gives what a client of the plaintext listener needs.
func (c *Cluster) Options() []kgo.Opt {
	return append(c.options.dialer(), kgo.SeedBrokers(c.Brokers()...))
}

// Login is a name and a password for one of the SASL mechanisms the brokers offer:
// SCRAM-SHA-256, SCRAM-SHA-512, PLAIN.
type Login struct{ Mechanism, User, Password string }

// SASLOptions gives what a client needs to log in; an empty Login is UserName by
// SCRAM-SHA-512.
func (c *Cluster) SASLOptions(l Login) []kgo.Opt {
	if l == (Login{}) {
		l = Login{"SCRAM-SHA-512", UserName, UserPassword}
	}
	return []kgo.Opt{
		kgo.SeedBrokers(c.SASLBrokers()...),
		kgo.DialTLSConfig(c.TLS.ClientConfig()),
		kgo.SASL(l.mechanism()),
	}
}

func (l Login) mechanism() sasl.Mechanism {
	switch l.Mechanism {
	case "PLAIN":
		return plain.Auth{User: l.User, Pass: l.Password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: l.User, Pass: l.Password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: l.User, Pass: l.Password}.AsSha512Mechanism()
	}
	panic(fmt.Sprintf("kafkatest: the brokers offer no SASL mechanism %q", l.Mechanism))
}

// MTLSOptions gives what a client needs that shows a certificate.
func (c *Cluster) MTLSOptions(cfg *tls.Config) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(c.MTLSBrokers()...), kgo.DialTLSConfig(cfg)}
}

// Client opens a client, by default of the plaintext listener, and closes it when t
// ends. Options given here win, so c.Client(t, c.SASLOptions(l)...) is another door.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return openClient(t, append(append(c.Options(), impatient()), opts...))
}

// impatient lets a client look for new leaders and topics at once: kgo waits five
// seconds between two looks, and kadm answers from what it saw then.
func impatient() kgo.Opt { return kgo.MetadataMinAge(20 * time.Millisecond) }

// Admin opens an administration client that may do everything.
func (c *Cluster) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	return kadm.NewClient(c.Client(t))
}

// AddUser makes one more SCRAM user, or changes a password, in both SCRAM mechanisms.
func (c *Cluster) AddUser(t testing.TB, user, password string) {
	t.Helper()
	for _, m := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		upsert := []kadm.UpsertSCRAM{{User: user, Mechanism: m, Iterations: 4096, Password: password}}
		done, err := c.adm.AlterUserSCRAMs(context.Background(), nil, upsert) // a user may stand in it once
		if err == nil {
			err = done.Error()
		}
		if err != nil {
			t.Fatalf("add SCRAM user %q: %v", user, err)
		}
	}
}
