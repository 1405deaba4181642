package logins_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/goccy/go-yaml"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/secret"
)

// way is one way in, as an entry of clusters: has it. DIR, IDP and REALM stand for what
// the world has.
type way struct {
	name string
	door string // plaintext is none; sasl, mtls, oauth, kerberos, msk
	sasl string // of the entry
	tls  string // beside the CA
}

const endpoint = `tokenEndpoint: "IDP", ca: "file:DIR/idp.pem", clientId: gantry-client`

func ways() []way {
	return []way{
		{name: "PLAIN", door: "sasl", sasl: `{mechanism: PLAIN, secret: "file:DIR/login.json"}`},
		{name: "SCRAM-SHA-256", door: "sasl", sasl: `{mechanism: SCRAM-SHA-256, secret: "file:DIR/login.json"}`},
		{name: "SCRAM-SHA-512", door: "sasl", sasl: `{mechanism: SCRAM-SHA-512, secret: "file:DIR/login.json"}`},
		{name: "mTLS", door: "mtls", tls: `, cert: "file:DIR/client.pem", key: "file:DIR/client.key"`},
		{name: "OAUTHBEARER, client credentials", door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {` + endpoint + `, clientSecret: "file:DIR/client-secret", scope: "kafka:read", audience: kafka-brokers}}`},
		{name: "OAUTHBEARER, secret in the body", door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {` + endpoint + `, clientSecret: "file:DIR/client-secret", clientAuth: post, extensions: {logicalCluster: lkc-1}}}`},
		{name: "OAUTHBEARER, JWT bearer", door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {` + endpoint + `, privateKey: "file:DIR/assertion.key", subject: gantry, keyId: one}}`},
		{name: "OAUTHBEARER, a ready token", door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {token: "file:DIR/token"}}`},
		{name: "OAUTHBEARER, AWS's secret", door: "oauth", sasl: `{mechanism: OAUTHBEARER, secret: "file:DIR/oauth.json", oauth: {scope: "kafka:read"}}`},
		{name: "OAUTHBEARER, AWS's secret with a key", door: "oauth", sasl: `{mechanism: OAUTHBEARER, secret: "file:DIR/bearer.json"}`},
		{name: "Kerberos, keytab", door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {principal: "gantry@REALM", keytab: DIR/gantry.keytab, config: DIR/krb5.conf}}`},
		{name: "Kerberos, password", door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {principal: person, password: "file:DIR/person", config: DIR/krb5.conf}}`},
		{name: "Kerberos, cache", door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {cache: DIR/cache, config: DIR/krb5.conf}}`},
		{name: "IAM, assumed role", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: msk, role: "arn:aws:iam::123456789012:role/kafka", externalId: x}}`},
		{name: "IAM", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: msk}}`},
	}
}

// furnish adds to the folder what only these cases use.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	conf, err := os.ReadFile(w.kdc.Config)
	require.NoError(t, err)
	w.file(t, "realm.conf", conf)
	w.file(t, "krb5.conf", []byte("include "+filepath.Join(w.dir, "realm.conf")+"\n"))
	w.file(t, "token", []byte(w.idp.Token(t, nil)+"\n"))
	w.file(t, "oauth.json", fmt.Appendf(nil, `{"oauthTokenEndpointUrl": %q, "oauthClientId": %q, "oauthClientSecret": %q, "oauthIdpCaCertificate": %q}`,
		w.idp.URL, kafkatest.ClientID, kafkatest.ClientSecret, w.idp.CA.Bytes))
	w.file(t, "bearer.json", fmt.Appendf(nil, `{"oauthTokenEndpointUrl": %q, "oauthClientId": %q, "oauthClientEmail": "gantry@example.com", "oauthPrivateKey": %q, "oauthTokenExpirationSeconds": "60", "oauthIdpCaCertificate": %q}`,
		w.idp.URL, kafkatest.ClientID, w.idp.ClientKey.Bytes, w.idp.CA.Bytes))
	w.kdc.Password(t, "person", "Tr0ub4dor")
	w.file(t, "person", []byte("Tr0ub4dor"))
	w.kdc.Kinit(t, "gantry", filepath.Join(w.dir, "gantry.keytab"), filepath.Join(w.dir, "cache"))
}

// entry is a way as an entry of clusters:.
func (w *world) entry(t *testing.T, v way) kafka.Config {
	t.Helper()
	text := `{brokers: [` + w.brokers(v.door) + `], tls: {ca: "file:DIR/ca.pem"` + v.tls + `}`
	if v.sasl != "" {
		text += `, sasl: ` + v.sasl
	}
	var c kafka.Config
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(w.fill(text+"}")), &c, yaml.Strict()))
	require.NoError(t, c.Validate())
	return c
}

func (w *world) fill(text string) string {
	return strings.NewReplacer("DIR", w.dir, "IDP", w.idp.URL, "REALM", kafkatest.Realm).Replace(text)
}

func (w *world) brokers(door string) string {
	brokers := w.ListenerBrokers(door)
	switch door {
	case "sasl":
		brokers = w.SASLBrokers()
	case "mtls":
		brokers = w.MTLSBrokers()
	}
	return `"` + strings.Join(brokers, `","`) + `"`
}

func (w *world) resolver(clusters map[string]kafka.Config) kafka.Resolver {
	return kafka.Resolver{
		Clusters: clusters, Secrets: secret.New(secret.Options{}), Identities: &kafka.Identities{},
		AWS: func(ctx context.Context, profile string) (aws.Config, error) {
			if profile == "" {
				profile = "msk"
			}
			return config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile), config.WithBaseEndpoint(w.sts),
				config.WithSharedCredentialsFiles([]string{filepath.Join(w.dir, "aws")}), config.WithSharedConfigFiles([]string{filepath.Join(w.dir, "aws")}))
		},
	}
}

// check logs in and asks something that takes a connection.
func (w *world) check(t *testing.T, v way) error {
	t.Helper()
	r := w.resolver(map[string]kafka.Config{"c": w.entry(t, v)})
	c, err := r.Resolve(t.Context(), mapping.Source{Cluster: "c"})
	if err != nil {
		return err
	}
	return ask(t, c)
}

// ask opens connections of its own.
func ask(t *testing.T, c kafka.Cluster) error {
	t.Helper()
	admin, err := kafka.Open(c)
	require.NoError(t, err)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return admin.Check(ctx)
}

// Every way in is taken, and every refusal is told as what it is.
func TestLogins(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, versions(), func(t *testing.T, version string) {
		t.Parallel()
		w := newWorld(t, version, nil)
		w.furnish(t)
		for _, v := range ways() {
			t.Run(v.name, func(t *testing.T) { require.NoError(t, w.check(t, v)) })
		}
		for _, s := range sources() {
			t.Run("by AWS's types: "+s.name, func(t *testing.T) { require.NoError(t, w.checkSource(t, s)) })
		}
		t.Run("through a network", func(t *testing.T) { w.throughNetwork(t) })
		for _, r := range w.refusals(t) {
			t.Run("refused: "+r.name, func(t *testing.T) { w.refused(t, r) })
		}
	})
}

// refusal is a way that is not taken, and what must be said of it.
type refusal struct {
	way
	cause, try string
}

func (w *world) refused(t *testing.T, r refusal) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool { // a ticket of one second has to end first
		err = w.check(t, r.way)
		return err != nil
	}, 10*time.Second, 200*time.Millisecond, "it was taken")
	d := kafka.Diagnose(err)
	require.Contains(t, d.Cause, r.cause, "%v", err)
	require.Contains(t, d.Try, r.try, "%v", err)
	require.Equal(t, mapping.ReasonSourceAuthn, d.Reason)
	for _, hidden := range []string{kafkatest.ClientSecret, kafkatest.UserPassword, secretKey, "Tr0ub4dor", "BEGIN"} {
		require.NotContains(t, d.Cause+d.Try, hidden)
	}
}

// refusals are what people meet.
func (w *world) refusals(t *testing.T) []refusal {
	t.Helper()
	w.file(t, "wrong", []byte("wrong"))
	w.file(t, "stranger.key", w.idp.StrangeKey(t).Bytes)
	w.file(t, "late", []byte(w.idp.Token(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})))
	w.file(t, "other-issuer", []byte(w.idp.Token(t, jwt.MapClaims{"iss": "https://elsewhere"})))
	w.kdc.Password(t, "locked", "Tr0ub4dor")
	w.kdc.Do(t, "modprinc -allow_tix locked")
	w.kdc.Principal(t, "moved")
	old, err := os.ReadFile(w.kdc.Export(t, "moved"))
	require.NoError(t, err)
	w.file(t, "old.keytab", old)
	w.kdc.Export(t, "moved") // and so those of old.keytab are the ones before
	w.kdc.Kinit(t, "gantry", filepath.Join(w.dir, "gantry.keytab"), filepath.Join(w.dir, "short"), "-l", "1s")
	oauth := func(name, more, cause, try string) refusal {
		return refusal{way{name: name, door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {` + more + `}}`}, cause, try}
	}
	kerberos := func(name, more, cause, try string) refusal {
		return refusal{way{name: name, door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {config: DIR/krb5.conf, ` + more + `}}`}, cause, try}
	}
	const good = endpoint + `, clientSecret: "file:DIR/client-secret"`
	return []refusal{
		oauth("wrong client secret", endpoint+`, clientSecret: "file:DIR/wrong"`, "the token endpoint gave no token", "check client id and secret"),
		oauth("wrong scope", good+`, scope: write`, "the token endpoint gave no token", "check the scope"),
		oauth("wrong audience", good+`, audience: others`, "the broker refused the token", "expected.audience"),
		oauth("another issuer", `token: "file:DIR/other-issuer"`, "iss=https://elsewhere", "expected.audience, .expected.issuer"),
		oauth("an expired token", `token: "file:DIR/late"`, "has expired", "stopped renewing it"),
		oauth("no token at all", `token: "file:DIR/wrong"`, "the broker refused the token", "no JWT"),
		oauth("a key the provider does not know", endpoint+`, privateKey: "file:DIR/stranger.key"`, "invalid_grant", "the assertion was not accepted"),
		oauth("a private CA that was not given", `tokenEndpoint: "IDP", clientId: gantry-client, clientSecret: "file:DIR/client-secret"`, "token endpoint could not be reached", "oauth.ca"),
		oauth("nothing at the endpoint", `tokenEndpoint: "https://127.0.0.1:1/token", clientId: c, clientSecret: "file:DIR/wrong"`, "token endpoint could not be reached", "nothing listens there"),
		oauth("another path of the endpoint", `tokenEndpoint: "IDP/v2", ca: "file:DIR/idp.pem", clientId: c, clientSecret: "file:DIR/wrong"`, "404", "check the endpoint's path"),
		{way{name: "a token at the door of passwords", door: "sasl", sasl: `{mechanism: OAUTHBEARER, oauth: {token: "file:DIR/token"}}`}, "does not offer this SASL mechanism", "sasl.enabled.mechanisms"},
		kerberos("unknown principal", `principal: nobody, password: "file:DIR/person"`, "does not know the principal", "check name and realm"),
		kerberos("wrong password", `principal: person, password: "file:DIR/wrong"`, "refused the key or the password", "export the keytab again"),
		kerberos("locked", `principal: locked, password: "file:DIR/person"`, "locked or has expired", "getprinc"),
		kerberos("a keytab from before", `principal: moved, keytab: DIR/old.keytab`, "refused the key or the password", "export the keytab again"),
		kerberos("a keytab of somebody else", `principal: person, keytab: DIR/gantry.keytab`, "no key for this principal", "klist -k -e"),
		kerberos("a file that is no keytab", `principal: gantry, keytab: DIR/ca.pem`, "a file of Kerberos is not usable", "klist -k"),
		kerberos("a cache that has ended", `cache: DIR/short`, "ticket in the credential cache has expired", "kinit -c"),
		kerberos("an unknown service", `principal: gantry, keytab: DIR/gantry.keytab, service: hdfs`, "does not know the brokers' principal", "sasl.kerberos.service.name"),
		kerberos("an unknown realm", `principal: gantry@ELSEWHERE, keytab: DIR/gantry.keytab`, "no KDC answered", "krb5.conf"),
		{way{name: "an unknown profile", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: stranger}}`}, "AWS's credentials", "the profile"},
		{way{name: "a wrong secret key", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: wrong}}`}, "MSK refused the signature", "kafka-cluster:Connect"},
		{way{name: "a role that may not be assumed", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: msk, role: "arn:aws:iam::123456789012:role/other"}}`}, "AWS refused what signing needs", "trust policy"},
		{way{name: "no region", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {profile: wrong}}`}, "the region to sign for is not known", "sasl.iam.region"},
	}
}
