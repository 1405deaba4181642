package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
)

// vault keeps secrets for tests and notes what was forgotten.
type vault struct {
	mu        sync.Mutex
	fields    map[string]map[string]string
	plain     map[string]string
	forgotten []string
	onForget  func()
}

func (v *vault) Fields(_ context.Context, ref string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if fields, ok := v.fields[ref]; ok {
		return fields, nil
	}
	return nil, fmt.Errorf("read the secret %s: not here", ref)
}

func (v *vault) Plain(_ context.Context, ref string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if fields, ok := v.fields[ref]; ok {
		text, err := json.Marshal(fields)
		return string(text), err
	}
	if text, ok := v.plain[ref]; ok {
		return text, nil
	}
	return "", fmt.Errorf("read the secret %s: not here", ref)
}

func (v *vault) Forget(ref string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgotten = append(v.forgotten, ref)
	if v.onForget != nil {
		v.onForget()
	}
}

func resolverFor(t *testing.T) Resolver {
	t.Helper()
	return Resolver{
		Secrets: &vault{
			fields: map[string]map[string]string{
				"user":  {"username": "ann", "password": "a"},
				"other": {"username": "bob", "password": "b"},
				"cert":  {"certificate": fixture(t, "cert.pem"), "privateKey": fixture(t, "PBE-SHA1-3DES.pem"), "privateKeyPassword": keyPassword},
				"ca":    {"certificate": fixture(t, "cert.pem")},
				"half":  {"username": "x"},
				"bad":   {"certificate": "x", "privateKey": "y"},
			},
			plain: map[string]string{
				"ca.pem": fixture(t, "cert.pem"), "cert.pem": fixture(t, "cert.pem"), "key.pem": fixture(t, "plain.pem"), "u": "carl", "p": "c",
			},
		},
		Clusters: map[string]Config{
			"onprem": {Brokers: []string{"kafka-1:9093", "kafka-2:9093"}, TLS: &TLSConfig{CA: "ca.pem"}, SASL: &SASLConfig{Mechanism: ScramSHA512, Secret: "user"}},
			"bare":   {Brokers: []string{"bare:9093"}, SASL: &SASLConfig{Mechanism: Plain, Username: "u", Password: "p"}},
			"clear":  {Brokers: []string{"clear:9092"}, SASL: &SASLConfig{Mechanism: Plain, Secret: "user"}, AllowPlaintext: true},
			"open":   {Brokers: []string{"open:9092"}, AllowPlaintext: true},
			"shut":   {Brokers: []string{"shut:9092"}},
			"twin-a": {Brokers: []string{"twin:9092"}, TLS: &TLSConfig{}},
			"twin-b": {Brokers: []string{"twin:9092"}, TLS: &TLSConfig{}},
			"mtls":   {Brokers: []string{"mtls:9093"}, TLS: &TLSConfig{CA: "ca.pem", Cert: "cert.pem", Key: "key.pem"}},
			"msk":    {Brokers: []string{"b-1.msk:9096"}, ARN: "arn:aws:kafka:eu-west-1:1:cluster/orders/u", TLS: &TLSConfig{}},
			"local":  {Embedded: true},
		},
	}
}

func bootstrap(servers ...string) mapping.Source { return mapping.Source{Bootstrap: servers} }

func with(src mapping.Source, access ...string) mapping.Source {
	for i := 0; i < len(access); i += 2 {
		src.Access = append(src.Access, mapping.Access{Type: access[i], URI: access[i+1]})
	}
	return src
}

func TestSecurityOfASource(t *testing.T) {
	t.Parallel()
	r := resolverFor(t)
	for _, c := range []struct {
		name               string
		src                mapping.Source
		security, user     string
		ownRoots, identity bool
		brokers            []string // where they are not the source's own
	}{
		{name: "by name", src: mapping.Source{Cluster: "onprem"}, security: "SASL_SSL", user: "ann", ownRoots: true},
		{name: "by ARN", src: mapping.Source{ARN: "arn:aws:kafka:eu-west-1:1:cluster/orders/u"}, security: "SSL"},
		{
			name: "by one shared address: the login goes to the configured brokers only", src: bootstrap("KAFKA-2:9093", "stranger:9093"),
			security: "SASL_SSL", user: "ann", ownRoots: true, brokers: []string{"kafka-1:9093", "kafka-2:9093"},
		},
		{name: "same host, other port", src: with(bootstrap("kafka-1:9094"), "BASIC_AUTH", "other"), security: "SASL_SSL", user: "bob"},
		{name: "the source's login wins, the cluster's CA stays", src: with(bootstrap("kafka-1:9093"), "SASL_SCRAM_256_AUTH", "other"), security: "SASL_SSL", user: "bob", ownRoots: true},
		{name: "the source's certificate replaces the login", src: with(mapping.Source{Cluster: "onprem"}, "CLIENT_CERTIFICATE_TLS_AUTH", "cert"), security: "SSL", ownRoots: true, identity: true},
		{name: "the source's CA leaves the login", src: with(mapping.Source{Cluster: "bare"}, "SERVER_ROOT_CA_CERTIFICATE", "ca"), security: "SASL_SSL", user: "carl", ownRoots: true},
		{name: "the cluster's certificate", src: mapping.Source{Cluster: "mtls"}, security: "SSL", ownRoots: true, identity: true},
		{name: "the source's login replaces the certificate", src: with(mapping.Source{Cluster: "mtls"}, "BASIC_AUTH", "user"), security: "SASL_SSL", user: "ann", ownRoots: true},
		{name: "login means TLS", src: with(bootstrap("far:9096"), "SASL_SCRAM_512_AUTH", "user"), security: "SASL_SSL", user: "ann"},
		{name: "login means TLS on loopback too", src: with(bootstrap("localhost:9096"), "BASIC_AUTH", "user"), security: "SASL_SSL", user: "ann"},
		{name: "a CA means TLS", src: with(bootstrap("far:9093"), "SERVER_ROOT_CA_CERTIFICATE", "ca"), security: "SSL", ownRoots: true},
		{name: "a CA as plain PEM", src: with(bootstrap("far:9093"), "SERVER_ROOT_CA_CERTIFICATE", "ca.pem"), security: "SSL", ownRoots: true},
		{name: "a cluster's login means TLS", src: mapping.Source{Cluster: "bare"}, security: "SASL_SSL", user: "carl"},
		{name: "unless it allows plaintext", src: mapping.Source{Cluster: "clear"}, security: "SASL_PLAINTEXT", user: "ann"},
		{name: "but the source's login never", src: with(mapping.Source{Cluster: "clear"}, "BASIC_AUTH", "other"), security: "SASL_SSL", user: "bob"},
		{name: "plaintext on loopback", src: bootstrap("127.0.0.1:9092", "[::1]:9092", "localhost:9092"), security: "PLAINTEXT"},
		{name: "plaintext allowed by the source", src: mapping.Source{Bootstrap: []string{"far:9092"}, AllowPlaintext: true}, security: "PLAINTEXT"},
		{name: "plaintext allowed by the cluster", src: bootstrap("open:9092"), security: "PLAINTEXT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := r.Resolve(t.Context(), c.src)
			require.NoError(t, err)
			require.Equal(t, c.security, got.Security())
			if c.brokers != nil {
				require.Equal(t, c.brokers, got.Brokers)
			} else if c.src.Bootstrap != nil {
				require.Equal(t, c.src.Bootstrap, got.Brokers)
			}
			if c.user != "" {
				login, err := got.identity.(passwords).login(t.Context())
				require.NoError(t, err)
				require.Equal(t, c.user, login.User)
			}
			if got.TLS != nil {
				require.Equal(t, c.ownRoots, got.TLS.RootCAs != nil, "own roots")
				require.Equal(t, c.identity, got.TLS.GetClientCertificate != nil, "client certificate")
			}
		})
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := resolverFor(t)
	for _, c := range []struct {
		name string
		src  mapping.Source
		want []string
		is   error
	}{
		{name: "plaintext to another machine", src: bootstrap("127.0.0.1:1", "far:9092"), is: ErrAccessMissing,
			want: []string{"Required 'sourceAccessConfigurations' parameter is missing.", "far:9092", "allowPlaintext: true"}},
		{name: "a cluster without TLS or leave", src: mapping.Source{Cluster: "shut"}, is: ErrAccessMissing},
		{name: "nothing", src: mapping.Source{}, want: []string{"names no cluster"}},
		{name: "unknown name", src: mapping.Source{Cluster: "nope"}, want: []string{`"nope" is not in clusters:`, `"onprem"`}},
		{name: "unknown ARN", src: mapping.Source{ARN: "arn:aws:kafka:x"}, want: []string{"arn:aws:kafka:x is not in clusters:"}},
		{name: "two entries", src: bootstrap("twin:9092"), want: []string{"twin-a, twin-b"}},
		{name: "an embedded broker that does not run", src: mapping.Source{Cluster: "local"}, want: []string{"cluster local: it has none"}},
		{name: "every fault at once", src: with(bootstrap("far", "x:y"), "BASIC_AUTH", "", "SASL_SCRAM_512_AUTH", "user", "SERVER_ROOT_CA_CERTIFICATE", "a",
			"SERVER_ROOT_CA_CERTIFICATE", "b", "IAM_AUTH", "x", "VIRTUAL_HOST", "/"), want: []string{
			`"far" is no host:port`, `"x:y" is no host:port`, "BASIC_AUTH: the URI of its secret is missing", "at most one type of authentication, not BASIC_AUTH and SASL_SCRAM_512_AUTH and IAM_AUTH",
			"SERVER_ROOT_CA_CERTIFICATE is given twice", "IAM_AUTH has no URI", `"VIRTUAL_HOST" is not known`,
		}},
		{name: "secrets that are not there", src: with(bootstrap("far:1"), "BASIC_AUTH", "nowhere", "SERVER_ROOT_CA_CERTIFICATE", "neither"),
			want: []string{"get the login: read the secret nowhere", "get the root CA: read the secret neither"}},
		{name: "a secret without its fields", src: with(bootstrap("far:1"), "BASIC_AUTH", "half"), want: []string{"the secret half has no password; want the fields username, password"}},
		{name: "a document without the certificate", src: with(bootstrap("far:1"), "SERVER_ROOT_CA_CERTIFICATE", "user"), want: []string{"the secret user has no certificate"}},
		{name: "bad PEM", src: with(bootstrap("far:1"), "CLIENT_CERTIFICATE_TLS_AUTH", "bad"), is: ErrCertificate},
		{name: "bad CA", src: with(bootstrap("far:1"), "SERVER_ROOT_CA_CERTIFICATE", "bad"), is: ErrCertificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.Resolve(t.Context(), c.src)
			require.Error(t, err)
			for _, part := range c.want {
				require.ErrorContains(t, err, part)
			}
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
		})
	}
}

func TestTwoEntriesAreNoQuestionWhenTheSourceSaysWhoItIs(t *testing.T) {
	t.Parallel()
	c, err := resolverFor(t).Resolve(t.Context(), with(bootstrap("twin:9092"), "BASIC_AUTH", "user"))
	require.NoError(t, err)
	require.Equal(t, "SASL_SSL", c.Security())
}

func TestALoginIsPrintedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	login := Login{User: "ann", Password: "hunter2"}
	encoded, err := json.Marshal(login)
	require.NoError(t, err)
	text := fmt.Sprintf("%v %+v %#v %s %x %v %v", login, login, login, login, login, &login, errors.Join(fmt.Errorf("%v", login))) + string(encoded)
	require.NotContains(t, text, "hunter2")
	require.NotContains(t, text, fmt.Sprintf("%x", "hunter2"))
	require.Contains(t, text, "ann")
}
