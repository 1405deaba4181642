package kafka

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/twmb/franz-go/pkg/sasl"
	gssapi "github.com/twmb/franz-go/pkg/sasl/kerberos"
)

// kerberos is an identity by tickets (GSSAPI). It keeps one client with its ticket of the
// KDC and its tickets of the brokers, until a file it was made from changes or a broker
// refuses a ticket.
type kerberos struct {
	config  KerberosConfig
	secrets Secrets
	dial    Dialer // nil = direct

	busy    chan struct{} // holds one while a goroutine works on what follows
	made    *kerberosClient
	refused atomic.Bool
}

// kerberosClient is a client and what it was made from.
type kerberosClient struct {
	*client.Client
	from  kerberosMaterial
	relay *relay    // nil = the KDCs are reached directly
	ends  time.Time // of the ticket in a cache; zero = it renews itself
}

func (e entrance) kerberosIdentity(c KerberosConfig) identity {
	return &kerberos{config: c, secrets: e.Secrets, dial: e.way.dial, busy: make(chan struct{}, 1)}
}

func (k *kerberos) wire() Mechanism { return GSSAPI }

func (k *kerberos) forget() { k.refused.Store(true) }

func (k *kerberos) check(ctx context.Context) error {
	m, err := k.read(ctx)
	if err != nil {
		return err
	}
	made, err := k.open(m)
	if err == nil {
		made.close()
	}
	return err
}

// kerberosPatience bounds the conversation with the KDCs before one authentication. The
// library takes 5 s for each KDC and protocol and knows no context.
const kerberosPatience = 30 * time.Second

type kerberosStart struct {
	session sasl.Session
	first   []byte
	err     error
}

// begin talks to the KDC in a goroutine of its own, which ends by the library's own
// limits of time when ctx has ended before.
func (k *kerberos) begin(ctx context.Context, broker string) (sasl.Session, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kerberosPatience)
	defer cancel()
	select {
	case k.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, &KerberosError{Attempt: "wait for another login with Kerberos", Err: ctx.Err()}
	}
	done := make(chan kerberosStart, 1)
	go func() {
		defer func() { <-k.busy }()
		var s kerberosStart
		s.session, s.first, s.err = k.start(ctx, broker)
		done <- s
	}()
	select {
	case s := <-done:
		return s.session, s.first, s.err
	case <-ctx.Done():
		return nil, nil, &KerberosError{Attempt: "get a ticket for " + k.service(broker), Err: ctx.Err()}
	}
}

func (k *kerberos) service(broker string) string {
	host := broker
	if i := strings.LastIndex(broker, ":"); i > 0 {
		host = broker[:i]
	}
	return cmp.Or(k.config.Service, DefaultKerberosService) + "/" + host
}

func (k *kerberos) start(ctx context.Context, broker string) (sasl.Session, []byte, error) {
	made, err := k.client(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !made.ends.IsZero() && time.Now().After(made.ends) {
		return nil, nil, &KerberosError{
			Attempt: "use the credential cache " + k.config.Cache, Kind: CacheEnded,
			Err: fmt.Errorf("its ticket ended at %s", made.ends.UTC().Format(time.RFC3339)),
		}
	}
	auth := gssapi.Auth{Client: made.Client, Service: cmp.Or(k.config.Service, DefaultKerberosService), PersistAfterAuth: true}
	session, first, err := gssapi.Kerberos(func(context.Context) (gssapi.Auth, error) { return auth, nil }).Authenticate(ctx, broker)
	if err != nil {
		failed := ofKDC("get a ticket for "+k.service(broker)+" as "+made.name(), err)
		if made.relay != nil {
			made.relay.explain(failed)
		}
		return nil, nil, failed
	}
	return session, first, nil
}

func (c *kerberosClient) name() string {
	return c.Credentials.UserName() + "@" + c.Credentials.Domain()
}

func (c *kerberosClient) close() {
	c.Destroy()
	if c.relay != nil {
		c.relay.close()
	}
}

// client gives the client at hand, or a new one when what it was made from has changed.
func (k *kerberos) client(ctx context.Context) (*kerberosClient, error) {
	m, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	if k.made != nil && !k.refused.Load() && k.made.from.same(m) {
		return k.made, nil
	}
	next, err := k.open(m)
	if err != nil {
		return nil, err
	}
	if k.made != nil {
		k.made.close()
	}
	k.made = next
	k.refused.Store(false)
	return next, nil
}

// kerberosMaterial is what a client is made from, read.
type kerberosMaterial struct {
	config, keytab, cache []byte
	password              string
}

func (m kerberosMaterial) same(o kerberosMaterial) bool {
	return bytes.Equal(m.config, o.config) && bytes.Equal(m.keytab, o.keytab) && bytes.Equal(m.cache, o.cache) && m.password == o.password
}

func (k *kerberos) read(ctx context.Context) (kerberosMaterial, error) {
	var m kerberosMaterial
	var err error
	if m.config, err = readKerberosConfig(cmp.Or(k.config.Config, DefaultKerberosConfig)); err != nil {
		return m, &KerberosError{Attempt: "read the Kerberos configuration", Kind: FileUnusable, Err: err}
	}
	switch {
	case k.config.Keytab != "":
		m.keytab, err = os.ReadFile(k.config.Keytab)
	case k.config.Cache != "":
		m.cache, err = os.ReadFile(k.config.Cache)
	default:
		if m.password, err = k.secrets.Plain(ctx, k.config.Password); err != nil {
			return m, loginError(err)
		}
	}
	if err != nil {
		return m, &KerberosError{Attempt: "read the keytab or the credential cache", Kind: FileUnusable, Err: err}
	}
	return m, nil
}

// open makes a client. It connects to nothing.
func (k *kerberos) open(m kerberosMaterial) (made *kerberosClient, err error) {
	attempt := "use " + cmp.Or(k.config.Keytab, k.config.Cache, "the password")
	defer func() {
		if v := recover(); v != nil { // the library's readers index beyond a file that was cut short
			made, err = nil, &KerberosError{Attempt: attempt, Kind: FileUnusable, Err: fmt.Errorf("it is damaged or of another kind (%v)", v)}
		}
	}()
	conf, err := parseKerberosConfig(m.config)
	if err != nil {
		return nil, &KerberosError{Attempt: "read the Kerberos configuration " + cmp.Or(k.config.Config, DefaultKerberosConfig), Kind: FileUnusable, Err: err}
	}
	made = &kerberosClient{from: m}
	if k.dial != nil {
		made.relay = newRelay(k.dial)
		if err := made.relay.stand(conf); err != nil {
			return nil, &KerberosError{Attempt: "listen for the way to the KDC", Err: err}
		}
	}
	if made.Client, made.ends, err = k.credentials(m, conf); err != nil {
		if made.relay != nil {
			made.relay.close()
		}
		return nil, &KerberosError{Attempt: attempt, Kind: FileUnusable, Err: err}
	}
	return made, nil
}

// credentials fill a client with what one is known by.
func (k *kerberos) credentials(m kerberosMaterial, conf *config.Config) (*client.Client, time.Time, error) {
	name, realm, given := strings.Cut(k.config.Principal, "@")
	if !given {
		realm = conf.LibDefaults.DefaultRealm
	}
	fast := client.DisablePAFXFAST(k.config.NoFAST)
	switch {
	case m.keytab != nil:
		keys := keytab.New()
		if err := keys.Unmarshal(m.keytab); err != nil {
			return nil, time.Time{}, err
		}
		if len(keys.Entries) == 0 {
			return nil, time.Time{}, fmt.Errorf("it holds no key")
		}
		return client.NewWithKeytab(name, realm, keys, conf, fast), time.Time{}, nil
	case m.cache != nil:
		return fromCache(m.cache, k.config.Principal, conf, fast)
	}
	return client.NewWithPassword(name, realm, m.password, conf, fast), time.Time{}, nil
}

func fromCache(content []byte, principal string, conf *config.Config, fast func(*client.Settings)) (*client.Client, time.Time, error) {
	cache := new(credentials.CCache)
	if err := cache.Unmarshal(content); err != nil {
		return nil, time.Time{}, err
	}
	owner := cache.DefaultPrincipal.PrincipalName.PrincipalNameString()
	realm := cache.DefaultPrincipal.Realm
	if principal != "" && principal != owner && principal != owner+"@"+realm {
		return nil, time.Time{}, fmt.Errorf("it belongs to %s@%s, not to %s", owner, realm, principal)
	}
	made, err := client.NewFromCCache(cache, conf, fast)
	if err != nil {
		return nil, time.Time{}, err
	}
	ticket, ok := cache.GetEntry(types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}})
	if !ok {
		return nil, time.Time{}, fmt.Errorf("it holds no ticket of the KDC of %s", realm)
	}
	return made, ticket.EndTime, nil
}
