package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// way is one way in: the port, and where the secrets are.
type way struct {
	name    string
	mtls    bool
	access  []string // TYPE=reference, of a mapping made through the API
	cluster string   // an entry of clusters:, of a mapping in the file
}

const secretARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"

// ways covers each mechanism and each place a secret may be in.
func ways() []way {
	sasl := func(mechanism, kind string) way {
		return way{name: mechanism, access: []string{"SERVER_ROOT_CA_CERTIFICATE=file:DIR/ca.json", kind + "=file:DIR/login.json"},
			cluster: "tls: {ca: file:ca.pem}, sasl: {mechanism: " + mechanism + ", secret: secret:login}"}
	}
	return []way{
		sasl("SCRAM-SHA-256", "SASL_SCRAM_256_AUTH"), sasl("SCRAM-SHA-512", "SASL_SCRAM_512_AUTH"), sasl("PLAIN", "BASIC_AUTH"),
		{name: "mtls", mtls: true, access: []string{"SERVER_ROOT_CA_CERTIFICATE=file:DIR/ca.json", "CLIENT_CERTIFICATE_TLS_AUTH=file:DIR/client.json"},
			cluster: "tls: {ca: file:ca.pem, cert: file:client.pem, key: file:client.key}"},
		{name: "mtls-encrypted", mtls: true, access: []string{"SERVER_ROOT_CA_CERTIFICATE=file:DIR/ca.pem", "CLIENT_CERTIFICATE_TLS_AUTH=file:DIR/encrypted.json"},
			cluster: "tls: {ca: file:ca.pem, cert: file:client.pem, key: file:encrypted.key, keyPassword: env:KEY_PASSWORD}"},
		{name: "env", access: []string{"SERVER_ROOT_CA_CERTIFICATE=env:KAFKA_CA", "SASL_SCRAM_512_AUTH=env:KAFKA_LOGIN"},
			cluster: "tls: {ca: env:KAFKA_CA}, sasl: {mechanism: SCRAM-SHA-512, username: env:KAFKA_USER, password: env:KAFKA_PASSWORD}"},
		{name: "aws", access: []string{"SERVER_ROOT_CA_CERTIFICATE=" + secretARN + "ca", "SASL_SCRAM_512_AUTH=" + secretARN + "login"},
			cluster: `tls: {ca: "` + secretARN + `ca"}, sasl: {mechanism: SCRAM-SHA-512, secret: "` + secretARN + `login"}`},
	}
}

// Records come through every way in, given with the mapping and given in clusters:.
func TestEveryWayIn(t *testing.T) {
	t.Parallel()
	c, cloud, fn := kafkatest.Shared(t), newAWS(t), fakelambda.Start(t)
	dir := secretFiles(t, c)
	cloud.secrets[secretARN+"login"] = login(kafkatest.UserName, kafkatest.UserPassword)
	cloud.secrets[secretARN+"ca"] = certificate("certificate", string(c.TLS.CA.Bytes))
	var clusters, mappings strings.Builder
	topics := map[string]string{}
	for i, w := range ways() {
		topics[w.name] = kafkatest.Topic(t)
		c.CreateTopic(t, topics[w.name], 1, nil)
		kafkatest.ProduceValues(t, c, topics[w.name], 0, "a", "b", "c")
		fmt.Fprintf(&clusters, "  c%d: {brokers: [%q], %s}\n", i, w.broker(c), w.cluster)
		fmt.Fprintf(&mappings, "  %s: {function: f, cluster: c%d, topic: %s, startingPosition: TRIM_HORIZON}\n", w.name, i, topics[w.name])
	}
	g := gantrytest.Start(t, gantrytest.Options{Dir: dir, Config: "aws: {region: eu-west-1, endpoint: " + cloud.URL + "}\n" +
		"secrets: [{prefix: \"arn:aws:secretsmanager:\", from: aws}, {prefix: \"secret:\", from: {dir: .}}]\n" +
		"clusters:\n" + clusters.String() + fmt.Sprintf("functions:\n  f: {http: %q}\n  api: {http: %q}\nmappings:\n", fn.URL, fn.URL) + mappings.String(),
		Env: append(awsEnv(), "KEY_PASSWORD="+kafkatest.KeyPassword, "KAFKA_CA="+string(c.TLS.CA.Bytes), "KAFKA_USER="+kafkatest.UserName,
			"KAFKA_PASSWORD="+kafkatest.UserPassword, "KAFKA_LOGIN="+login(kafkatest.UserName, kafkatest.UserPassword))})
	for _, w := range ways() {
		settles(t, c, "gantry."+w.name, topics[w.name])
	}
	for _, w := range ways() {
		in := apiMapping("api", topics[w.name], w.broker(c))
		for _, a := range w.access {
			kind, ref, _ := strings.Cut(strings.ReplaceAll(a, "DIR", dir), "=")
			in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: types.SourceAccessType(kind), URI: &ref})
		}
		made, err := g.Lambda().CreateEventSourceMapping(t.Context(), in)
		require.NoError(t, err, w.name)
		settles(t, c, aws.ToString(made.UUID), topics[w.name])
	}
	require.Len(t, fn.Calls(), 2*len(ways()), "one batch for each mapping")
	require.NotZero(t, cloud.asked[secretARN+"login"])
	require.NotContains(t, g.Log(), kafkatest.UserPassword, "a secret in the log")
}

func (w way) broker(c *kafkatest.Cluster) string {
	if w.mtls {
		return c.MTLSBrokers()[0]
	}
	return c.SASLBrokers()[0]
}

func secretFiles(t *testing.T, c *kafkatest.Cluster) string {
	dir, tls := t.TempDir(), c.TLS
	for name, content := range map[string]string{
		"login.json": login(kafkatest.UserName, kafkatest.UserPassword), "ca.json": certificate("certificate", string(tls.CA.Bytes)),
		"client.json": certificate("certificate", string(tls.Client.Bytes), "privateKey", string(tls.Key.Bytes)),
		"encrypted.json": certificate("certificate", string(tls.Client.Bytes), "privateKey", string(tls.EncryptedKey.Bytes),
			"privateKeyPassword", kafkatest.KeyPassword),
		"ca.pem": string(tls.CA.Bytes), "client.pem": string(tls.Client.Bytes), "client.key": string(tls.Key.Bytes), "encrypted.key": string(tls.EncryptedKey.Bytes),
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

// apiMapping is what a creation through the API needs at least.
func apiMapping(function, topic, broker string) *lambda.CreateEventSourceMappingInput {
	return &lambda.CreateEventSourceMappingInput{
		FunctionName: &function, Topics: []string{topic}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {broker}}},
	}
}

// settles waits until a group has committed all of a topic of one partition.
func settles(t *testing.T, c *kafkatest.Cluster, group, topic string) {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	end, _ := ends.Lookup(topic, 0)
	require.Eventually(t, func() bool { return c.Committed(t, group, topic)[0] == end.Offset }, 60*time.Second, 50*time.Millisecond,
		"group %s never gets through %s", group, topic)
}
