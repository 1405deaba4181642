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
	} {
		require.NoError(t, parse(t, text).Validate(), text)
	}
	require.NotNil(t, parse(t, `{ brokers: ["k:1"], tls: {} }`).TLS, "an empty tls: asks for TLS")
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	for text, faults := range map[string][]string{
		`{}`:                                   {"brokers: is missing"},
		`properties: ./client.properties`:      {"properties: a Java client's file is not supported yet"},
		`{ embedded: true, brokers: ["x:1"] }`: {"embedded: the built-in broker has no brokers"},
		`brokers: [a, ":1", "a:0", "a:70000", "a:x", "ssl://a:1", "SSL://a/b:9092"]`: {
			`"a" is no host:port`, `":1" is no`, `"a:0" is no`, `"a:70000" is no`, `"a:x" is no`, `"ssl://a:1" is no`, `"SSL://a/b:9092" is no`,
		},
		`{ brokers: ["a:1"], tls: { cert: x, keyPassword: y }, allowPlaintext: true, schemaRegistry: { url: u }, arn: x,
		   sasl: { mechanism: GSSAPI, secret: x, password: y } }`: {
			"tls.key: is missing", "tls.keyPassword: there is no key", "allowPlaintext: contradicts tls", "schemaRegistry: is not supported yet",
			`arn: "x" is no ARN`, `sasl.mechanism: "GSSAPI" is not supported; want one of [PLAIN SCRAM-SHA-256 SCRAM-SHA-512]`, "sasl.secret: contradicts",
		},
		`{ brokers: ["a:1"], tls: { key: x }, sasl: { username: x } }`: {"tls.cert: is missing", "sasl.mechanism: is missing", "sasl.secret: is missing"},
	} {
		err := parse(t, text).Validate()
		require.Error(t, err, text)
		for _, fault := range faults {
			require.ErrorContains(t, err, fault, text)
		}
		require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), len(faults), err.Error())
	}
}
