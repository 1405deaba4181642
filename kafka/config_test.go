package kafka

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) Config {
	t.Helper()
	var c Config
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()))
	return c
}

func TestConfigAccepts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`brokers: ["kafka-1:9092", "[::1]:9093"]`,
		`{ brokers: ["k:9093"], tls: { ca: file:./secrets/ca.pem }, sasl: { mechanism: SCRAM-SHA-512, secret: secret:kafka-user } }`,
		`{ brokers: ["k:9093"], tls: { cert: file:c, key: file:k, keyPassword: env:P } }`,
		`{ brokers: ["k:9093"], sasl: { mechanism: PLAIN, username: env:U, password: env:P }, allowPlaintext: true }`,
		`{ brokers: ["k:9094"], tls: {}, arn: "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/uuid" }`,
		`embedded: true`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, secret: secret:idp } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, secret: secret:idp, oauth: { scope: read, extensions: { logicalCluster: lkc-1 } } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, oauth: { tokenEndpoint: "https://idp/token", clientId: gantry, clientSecret: env:S, scope: kafka, audience: brokers, ca: file:ca.pem } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, oauth: { tokenEndpoint: "http://127.0.0.1:1/token", privateKey: file:key.pem, issuer: gantry, subject: gantry, assertionLifetime: 60s } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, oauth: { tokenEndpoint: "https://idp/token", assertion: file:jwt } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, oauth: { token: file:token } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: OAUTHBEARER, oauth: { webIdentity: true, audience: kafka } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: GSSAPI, kerberos: { principal: gantry@EXAMPLE.COM, keytab: ./gantry.keytab, service: kafka } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: GSSAPI, kerberos: { principal: gantry/host, password: env:P } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: GSSAPI, kerberos: { cache: /tmp/krb5cc_0, config: ./krb5.conf } } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: AWS_MSK_IAM } }`,
		`{ brokers: ["k:1"], sasl: { mechanism: AWS_MSK_IAM, iam: { region: us-gov-west-1, profile: p, role: "arn:aws:iam::123456789012:role/kafka", sessionName: s, externalId: x } } }`,
	} {
		require.NoError(t, parse(t, text).Validate(), text)
	}
	require.NotNil(t, parse(t, `{ brokers: ["k:1"], tls: {} }`).TLS, "an empty tls: asks for TLS")
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	for text, faults := range map[string][]string{
		`{}`: {"brokers: is missing"},
		"properties: ./client.properties\nbrokers: [\"a:1\"]": {"properties: contradicts brokers"},
		`{ embedded: true, brokers: ["x:1"] }`:                {"embedded: the built-in broker has no brokers"},
		`brokers: [a, ":1", "a:0", "a:70000", "a:x", "ssl://a:1", "SSL://a/b:9092"]`: {
			`"a" is no host:port`, `":1" is no`, `"a:0" is no`, `"a:70000" is no`, `"a:x" is no`, `"ssl://a:1" is no`, `"SSL://a/b:9092" is no`,
		},
		`{ brokers: ["a:1"], tls: { cert: x, keyPassword: y }, allowPlaintext: true, arn: x,
		   sasl: { mechanism: CRAM-MD5, secret: x, password: y } }`: {
			"tls.key: is missing", "tls.keyPassword: there is no key", "allowPlaintext: contradicts tls",
			`arn: "x" is no ARN`, `sasl.mechanism: "CRAM-MD5" is not supported; want one of [PLAIN SCRAM-SHA-256 SCRAM-SHA-512 OAUTHBEARER GSSAPI AWS_MSK_IAM]`,
			"sasl.secret: is not for CRAM-MD5", "sasl.username: is not for CRAM-MD5",
		},
		`{ brokers: ["a:1"], tls: { key: x }, sasl: { username: x } }`:             {"tls.cert: is missing", "sasl.mechanism: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: PLAIN, username: x } }`:            {"sasl.secret: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: PLAIN, secret: x, password: y } }`: {"sasl.secret: contradicts"},
		`{ brokers: ["a:1"], sasl: { mechanism: PLAIN, secret: x, kerberos: { cache: c }, iam: {}, oauth: {} } }`: {
			"sasl.oauth: is not for PLAIN, but for [OAUTHBEARER]", "sasl.kerberos: is not for PLAIN", "sasl.iam: is not for PLAIN",
		},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER } }`:            {"sasl.oauth: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, oauth: {} } }`: {"sasl.oauth.clientSecret: is missing; give clientSecret, privateKey"},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, secret: s, oauth: { clientId: x } } }`: {
			"sasl.secret: contradicts sasl.oauth",
		},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, oauth: { tokenEndpoint: "http://idp/token", clientSecret: a, privateKey: b, privateKeyPassword: c,
		   extensions: { auth: x, "a b": y, ok: "\u0001" } } } }`: {
			"sasl.oauth.clientSecret: contradicts privateKey", `sasl.oauth.tokenEndpoint: "http://idp/token" would carry the client's secret without TLS`,
			"sasl.oauth.clientId: is missing", `extensions: "a b"`, `extensions: "auth"`, `extensions: "ok"`,
		},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, oauth: { token: t, clientId: x, audience: y, keyId: z, privateKeyPassword: p, assertionLifetime: 48h } } }`: {
			"tokenEndpoint: nothing is fetched there", "audience: a ready token has", "privateKeyPassword: there is no key", "privateKey: is missing", "assertionLifetime: 48h0m0s",
		},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, oauth: { assertion: t } } }`:      {"tokenEndpoint: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: OAUTHBEARER, oauth: { webIdentity: true } } }`: {"audience: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: GSSAPI } }`:                                    {"sasl.kerberos: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: GSSAPI, kerberos: {} } }`:                      {"kerberos.keytab: is missing", "kerberos.principal: is missing"},
		`{ brokers: ["a:1"], sasl: { mechanism: GSSAPI, secret: x, kerberos: { principal: "a@B@C", keytab: k, cache: c, service: kafka/host } } }`: {
			"sasl.secret: is not for GSSAPI", "kerberos.keytab: contradicts cache", `principal: "a@B@C" is no principal`, `service: "kafka/host" is no`,
		},
		`{ brokers: ["a:1"], sasl: { mechanism: AWS_MSK_IAM, iam: { region: Ireland, externalId: x, sessionName: "a b" } } }`: {
			`iam.region: "Ireland" is no region`, "iam.role: is missing", "iam.sessionName: ",
		},
		`{ brokers: ["a:1"], sasl: { mechanism: AWS_MSK_IAM, iam: { role: kafka } } }`: {`iam.role: "kafka" is no role`},
	} {
		err := parse(t, text).Validate()
		require.Error(t, err, text)
		for _, fault := range faults {
			require.ErrorContains(t, err, fault, text)
		}
		require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), len(faults), err.Error())
	}
}
